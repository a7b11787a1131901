// WindowRows: of a long list only the rows that can be seen are elements. They are made once and then change places.
//
// The list is `scroller`'s content: `body` gets the rows, all of `rowHeight` pixels, and as much room before and after
// them as the others would take.

const SPARE_ROWS = 2; // before and after what is seen: a small scroll finds them there

export class WindowRows {
  // make() gives a row's element; header: pixels of the scroller that stay above the rows.
  constructor({ scroller, body, rowHeight, make, spacer, header = 0 }) {
    Object.assign(this, { scroller, body, rowHeight, make, header });
    this.rows = [];
    this.first = 0;
    this.size = 0;
    this.height = 0;
    this.top = 0;
    this.before = spacer();
    this.after = spacer();
    body.append(this.before, this.after);
    // Asking for these in a frame would lay out the page each time.
    new ResizeObserver(([entry]) => (this.height = entry.contentRect.height)).observe(scroller);
    scroller.addEventListener('scroll', () => (this.top = scroller.scrollTop), { passive: true });
  }

  // Of a list of `size`: gives [first, rows], the elements that are to show the rows from `first` on.
  place(size) {
    const seen = Math.ceil(this.height / this.rowHeight) + 2 * SPARE_ROWS;
    const wanted = this.height === 0 ? 0 : Math.min(size, seen);
    while (this.rows.length < wanted) {
      const row = this.make();
      this.rows.push(row);
      this.after.before(row.element ?? row);
    }
    while (this.rows.length > wanted) {
      const row = this.rows.pop();
      (row.element ?? row).remove();
    }
    const first = Math.max(0, Math.min(size - wanted, Math.floor(this.top / this.rowHeight) - SPARE_ROWS));
    if (first !== this.first || size !== this.size || wanted !== this.wanted) {
      this.before.style.height = `${first * this.rowHeight}px`;
      this.after.style.height = `${Math.max(0, size - first - wanted) * this.rowHeight}px`;
      Object.assign(this, { first, size, wanted });
    }
    return [first, this.rows];
  }

  // Has write(row, entry) show what can be seen of `list`, and tells those who read it aloud which of it is chosen.
  show(list, chosen, write) {
    const [first, rows] = this.place(list.length);
    let active = '';
    rows.forEach((row, index) => {
      const entry = list[first + index];
      write(row, entry);
      if (entry === chosen) active = row.element.id;
    });
    if (active) this.body.setAttribute('aria-activedescendant', active);
    else this.body.removeAttribute('aria-activedescendant');
  }

  // How many rows a page is.
  get page() {
    return Math.max(1, Math.floor((this.height - this.header) / this.rowHeight) - 1);
  }

  // Scrolls as little as it takes to see this row.
  reveal(index) {
    const top = index * this.rowHeight;
    const room = this.height - this.header;
    if (top < this.top) this.scroller.scrollTop = top;
    else if (top + this.rowHeight > this.top + room) this.scroller.scrollTop = top + this.rowHeight - room;
    this.top = this.scroller.scrollTop;
  }
}

// The index that a key leads to from `index` in a list of `size`; undefined: it is not one of those keys.
export function stepOf(key, index, size, page) {
  const to = { ArrowDown: index + 1, ArrowUp: index - 1, PageDown: index + page, PageUp: index - page, Home: 0, End: size - 1 }[key];
  return to === undefined || size === 0 ? undefined : Math.max(0, Math.min(size - 1, to));
}
