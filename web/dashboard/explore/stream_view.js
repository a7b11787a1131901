// StreamView: the messages as lines, newest first, and the chosen one in full.

import { at, bytes, clock, count, make, write } from '../text.js';
import { WindowRows, stepOf } from '../window_rows.js';
import { pretty, preview, sizeOf } from './payload.js';

const ROW_HEIGHT = 26;
const KINDS = { json: 'JSON', text: 'text', binary: 'binary' };
const OPS = { event: 'event', remove: 'removed', set: '' };
const MARKS = { snapshot: 'last value', replay: 'kept', live: '' };

export class StreamView {
  constructor(stream) {
    this.stream = stream;
    this.list = [];
    this.version = -1;
    this.isPaused = false;
    this.chosen = undefined;
    this.body = at('stream-list');
    this.window = new WindowRows({
      scroller: at('stream-rows'), body: this.body, rowHeight: ROW_HEIGHT, make: () => this.makeRow(), spacer: () => make('div'),
    });
    this.body.addEventListener('keydown', (event) => {
      const index = stepOf(event.key, this.list.indexOf(this.chosen), this.list.length, this.window.page);
      if (index === undefined) return;
      event.preventDefault();
      this.choose(this.list[index]);
      this.window.reveal(index);
    });
    this.body.addEventListener('click', ({ target }) => {
      const row = this.window.rows.find(({ element }) => element.contains(target));
      if (row?.entry) this.choose(row.entry);
    });
  }

  // While it is paused the list stays as it is; what comes is kept, and shown afterwards.
  pause(isPaused) {
    this.isPaused = isPaused;
    this.version = -1;
  }

  choose(entry) {
    if (!entry.message) return;
    this.chosen = entry;
    const { message } = entry;
    at('message-title').textContent = message.topic;
    const marks = [KINDS[message.format], OPS[message.op], MARKS[message.mark], message.contentType].filter(Boolean);
    const headers = Object.entries(message.headers).map(([name, value]) => `${name}: ${value}`);
    at('message-facts').textContent = [`seq ${message.seq}`, clock(message.timeUs / 1000), bytes(sizeOf(message)), ...marks, ...headers].join(' · ');
    at('message-payload').textContent = pretty(message);
  }

  draw(now) {
    const { recent, rate } = this.stream;
    rate.note(now, recent.total);
    if (!this.isPaused && this.version !== recent.version) {
      this.version = recent.version;
      this.list = recent.list();
    }
    const empty = at('stream-empty');
    const isEmpty = this.list.length === 0;
    if (empty.hidden === isEmpty) empty.hidden = !isEmpty;
    this.window.show(this.list, this.chosen, (row, entry) => this.writeRow(row, entry));
    this.writeState();
  }

  writeState() {
    const { stream } = this;
    const element = at('stream-state');
    const state = stream.isFollowing ? stream.health.state : stream.error ? 'closed' : 'idle';
    element.dataset.state = this.isPaused && state === 'connected' ? 'stale' : state;
    const figures = `${count(stream.rate.perSecond)}/s, ${count(stream.recent.total)} in all`;
    if (state === 'idle') write(element, 'not following');
    else if (stream.error) write(element, stream.error);
    else write(element, `${this.isPaused ? 'paused' : stream.health.words()} · ${stream.filter} · ${figures}`);
  }

  makeRow() {
    const element = make('div', 'line');
    element.id = `line-${this.window.rows.length}`;
    element.setAttribute('role', 'option');
    const [time, topic, kind, text] = ['muted', '', 'kind', ''].map((style) => make('span', style));
    element.append(time, topic, kind, text);
    return { element, time, topic, kind, text, entry: undefined };
  }

  writeRow(row, entry) {
    const isChosen = `${entry === this.chosen}`;
    if (row.element.ariaSelected !== isChosen) row.element.ariaSelected = isChosen;
    if (row.entry === entry) return;
    row.entry = entry;
    row.element.classList.toggle('told', entry.told !== undefined);
    const { message } = entry;
    write(row.time, clock(entry.at));
    write(row.topic, message ? message.topic : '—');
    write(row.kind, message ? (OPS[message.op] || KINDS[message.format]) : '');
    write(row.text, message ? preview(message) : entry.told);
  }
}
