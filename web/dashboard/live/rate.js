// Rate: how many a second, of a count that only rises, over the last two seconds or so.

export const WINDOW_MS = 2000;

export class Rate {
  constructor(windowMs = WINDOW_MS) {
    this.windowMs = windowMs;
    this.marks = []; // [at, total]
  }

  // The count was `total` at `now` (milliseconds).
  note(now, total) {
    this.marks.push([now, total]);
    while (this.marks.length > 2 && this.marks[1][0] <= now - this.windowMs) this.marks.shift();
  }

  get perSecond() {
    if (this.marks.length < 2) return 0;
    const [first, last] = [this.marks[0], this.marks.at(-1)];
    return last[0] > first[0] ? ((last[1] - first[1]) * 1000) / (last[0] - first[0]) : 0;
  }

  clear() {
    this.marks = [];
  }
}
