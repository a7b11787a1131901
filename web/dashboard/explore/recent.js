// Recent: the last messages of a stream, with a serial number each; bounded. Has no page.

import { contains } from './payload.js';

export const KEPT = 1000;

export class Recent {
  constructor(size = KEPT) {
    this.size = size;
    this.entries = []; // the oldest first; {serial, at, message} or {serial, at, told}
    this.total = 0; // messages
    this.serial = 0;
    this.text = '';
    this.found = undefined; // the entries that contain `text`, the oldest first
    this.version = 0;
  }

  add(entry) {
    entry.serial = this.serial += 1;
    if (entry.message) this.total += 1;
    this.entries.push(entry);
    // Not one by one: moving a long array for each message is slow.
    if (this.entries.length >= 2 * this.size) this.entries = this.entries.slice(-this.size);
    if (this.found && this.fits(entry)) {
      this.found.push(entry);
      if (this.found.length >= 2 * this.size) this.found = this.found.slice(-this.size);
    }
    this.version += 1;
  }

  fits(entry) {
    return !entry.message || contains(entry.message, this.text);
  }

  // Only what contains `text` in topic or payload, no matter the case.
  find(text) {
    this.text = text.trim().toLowerCase();
    this.found = this.text ? this.entries.filter((entry) => this.fits(entry)) : undefined;
    this.version += 1;
  }

  clear() {
    this.entries = [];
    this.found &&= [];
    this.total = 0;
    this.version += 1;
  }

  // The newest first, as of now.
  list() {
    return (this.found ?? this.entries).slice(-this.size).reverse();
  }
}
