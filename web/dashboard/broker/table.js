// Table: rows that are written over each second, with the elements that are there.

import { make, write } from '../text.js';

// columns: [[heading, value of a row as text, style], …].
export class Table {
  constructor(element, columns, { empty }) {
    this.columns = columns;
    this.empty = empty;
    const head = element.createTHead().insertRow();
    for (const [heading, , style = ''] of columns) {
      const cell = make('th', style, heading);
      cell.scope = 'col';
      head.append(cell);
    }
    this.body = element.createTBody();
  }

  write(rows) {
    if (rows.length === 0) return this.writeEmpty();
    if (this.isEmpty) this.body.replaceChildren();
    this.isEmpty = false;
    while (this.body.rows.length > rows.length) this.body.deleteRow(-1);
    rows.forEach((row, at) => {
      const element = this.body.rows[at] ?? this.makeRow();
      this.columns.forEach(([, value], column) => write(element.cells[column], value(row)));
    });
    return undefined;
  }

  makeRow() {
    const row = this.body.insertRow();
    for (const [, , style = ''] of this.columns) row.append(make('td', style));
    return row;
  }

  writeEmpty() {
    if (this.isEmpty) return;
    this.isEmpty = true;
    const cell = make('td', 'muted', this.empty);
    cell.colSpan = this.columns.length;
    const row = make('tr');
    row.append(cell);
    this.body.replaceChildren(row);
  }
}
