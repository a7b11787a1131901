// TreeView: the topics as a tree that keys and pointers walk through.

import { count, make, write } from '../text.js';
import { WindowRows, stepOf } from '../window_rows.js';
import { preview } from './payload.js';

const ROW_HEIGHT = 26;

export class TreeView {
  constructor(tree, { scroller, body, onChoose }) {
    this.tree = tree;
    this.onChoose = onChoose;
    this.rows = [];
    this.shape = -1;
    this.chosen = undefined;
    this.window = new WindowRows({
      scroller, body, rowHeight: ROW_HEIGHT, make: () => this.makeRow(), spacer: () => make('div'),
    });
    body.addEventListener('keydown', (event) => this.key(event));
    body.addEventListener('click', ({ target }) => this.click(target));
  }

  click(target) {
    const row = this.window.rows.find(({ element }) => element.contains(target));
    if (!row?.node) return;
    if (row.node.children?.size && (this.chosen === row.node || !row.node.message)) this.tree.toggle(row.node);
    this.choose(row.node);
  }

  key(event) {
    const index = this.rows.indexOf(this.chosen);
    let next = stepOf(event.key, index, this.rows.length, this.window.page);
    if (event.key === 'ArrowRight') next = this.open(index);
    else if (event.key === 'ArrowLeft') next = this.close(index);
    else if (event.key === 'Enter' || event.key === ' ') next = this.turn(index);
    if (next === undefined) return;
    event.preventDefault();
    this.arrange();
    if (this.rows[next]) this.choose(this.rows[next]);
    this.window.reveal(next);
  }

  // Opens a closed one, goes into an open one.
  open(index) {
    const node = this.rows[index];
    if (!node?.children?.size) return index < 0 ? undefined : index;
    if (node.isOpen) return index + 1;
    this.tree.toggle(node, true);
    return index;
  }

  // Closes an open one, goes out of another.
  close(index) {
    const node = this.rows[index];
    if (!node) return undefined;
    if (node.children?.size && node.isOpen) {
      this.tree.toggle(node, false);
      return index;
    }
    const parent = this.rows.slice(0, index).findLastIndex((other) => other.depth < node.depth);
    return parent < 0 ? index : parent;
  }

  turn(index) {
    if (this.rows[index]?.children?.size) this.tree.toggle(this.rows[index]);
    return index < 0 ? undefined : index;
  }

  choose(node) {
    this.chosen = node;
    this.onChoose(node);
  }

  arrange() {
    if (this.shape === this.tree.shape) return;
    this.shape = this.tree.shape;
    this.rows = this.tree.rows();
  }

  draw() {
    this.arrange();
    this.window.show(this.rows, this.chosen, (row, node) => this.writeRow(row, node));
  }

  makeRow() {
    const element = make('div', 'node');
    element.id = `node-${this.window.rows.length}`;
    element.setAttribute('role', 'treeitem');
    const [name, value, rate] = ['name', 'value', 'rate'].map((style) => make('span', style));
    element.append(name, value, rate);
    return { element, name, value, rate, node: undefined };
  }

  writeRow(row, node) {
    const { element } = row;
    if (row.node !== node) {
      row.node = node;
      row.message = undefined;
      element.style.setProperty('--depth', node.depth);
      element.setAttribute('aria-level', `${node.depth + 1}`);
      write(row.name, node.name === '' ? '(empty)' : node.name);
    }
    const isParent = node.children?.size > 0;
    const expanded = isParent ? `${node.isOpen}` : null;
    if (element.ariaExpanded !== expanded) element.ariaExpanded = expanded;
    const isChosen = `${node === this.chosen}`;
    if (element.ariaSelected !== isChosen) element.ariaSelected = isChosen;
    if (!node.message) write(row.value, isParent ? `${node.topics} ${node.topics === 1 ? 'topic' : 'topics'}` : '');
    else if (row.message !== node.message) write(row.value, preview(node.message));
    row.message = node.message;
    write(row.rate, node.perSecond >= 0.05 ? `${count(node.perSecond)}/s` : '');
    element.classList.toggle('busy', node.perSecond >= 10);
  }
}
