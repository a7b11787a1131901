// EventStream: a raw socket that asks for server-sent events and takes the answer apart itself: the head, the chunks, and
// the events, by the letter of the standard (WHATWG HTML §9.2.6). It shares no code with the broker.

import assert from 'node:assert/strict';
import net from 'node:net';
import { topicPath } from './broker.mjs';
import { Signal } from './program.mjs';

export class EventStream {
  events = []; // {event, data, id}: what a browser's EventSource would dispatch
  chunks = []; // their sizes
  comments = 0;
  ids = 0; // blocks that set the id
  id = ''; // as a browser would send it when it comes back
  ended = false; // the body had its end: the last chunk, or without chunks the connection's
  #bytes = Buffer.alloc(0); // of chunks, or of no chunk
  #text = '';
  #block = { data: [] };
  #changed = new Signal();

  // Opened: its head has come. `query`, request fields and HTTP's version may be given. `onEvent` is given each event
  // instead of `events`, and {id} for each id.
  static async open(broker, filter, { query = '', fields = {}, version = '1.1', paused = false, onEvent } = {}) {
    const stream = new EventStream();
    stream.onEvent = onEvent;
    const lines = Object.entries({ Host: '127.0.0.1', Accept: 'text/event-stream', ...fields }).map(([k, v]) => `${k}: ${v}`);
    stream.socket = net.connect({ port: broker.port, host: '127.0.0.1', noDelay: true });
    stream.socket.write(`GET ${topicPath(filter)}${query && '?' + query} HTTP/${version}\r\n${lines.join('\r\n')}\r\n\r\n`);
    stream.socket.on('data', (bytes) => {
      stream.#read(bytes);
      if (paused && stream.head) {
        paused = false;
        stream.socket.pause();
      }
    });
    stream.socket.on('end', () => stream.#finish('FIN'));
    stream.socket.on('error', (error) => stream.#finish(error.code));
    await stream.#changed.until(() => stream.head ?? stream.over, 'the head of a stream');
    return stream;
  }

  resume() {
    this.socket.resume();
  }

  close() {
    this.socket.destroy();
  }

  // Goes without a word: the broker is sent a RST.
  reset() {
    this.socket.resetAndDestroy();
  }

  // The next events, as many as asked for: an array.
  async take(count) {
    await this.#changed.until(
      () => this.events.length >= count,
      () => `${count} events, there were ${JSON.stringify(this.events.slice(-5))} of ${this.events.length}`,
    );
    return this.events.splice(0, count);
  }

  // The data of the next messages.
  async messages(count) {
    const events = await this.take(count);
    for (const event of events) assert.equal(event.event, 'message', JSON.stringify(event));
    return events.map(({ data }) => data);
  }

  async untilId(previous) {
    await this.#changed.until(() => this.id !== '' && this.id !== previous, 'an id');
    return this.id;
  }

  // Until the connection is over: 'FIN' or the error's code.
  end() {
    return this.#changed.until(() => this.over, 'the end of the stream');
  }

  #finish(how) {
    this.over ??= how;
    if (this.head && !this.chunked) this.ended = how === 'FIN';
    this.#changed.wake();
  }

  #read(bytes) {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    if (!this.head) {
      const end = this.#bytes.indexOf('\r\n\r\n') + 4;
      if (end < 4) return;
      this.head = this.#bytes.subarray(0, end).toString('latin1');
      this.#bytes = this.#bytes.subarray(end);
      this.status = Number(this.head.split(' ')[1]);
      this.chunked = /^transfer-encoding: chunked\r$/im.test(this.head);
    }
    if (!this.chunked) this.#feed(this.#take());
    while (this.chunked && this.#readChunk());
    this.#changed.wake();
  }

  #take() {
    const bytes = this.#bytes;
    this.#bytes = Buffer.alloc(0);
    return bytes;
  }

  #readChunk() {
    const line = this.#bytes.indexOf('\r\n');
    if (line < 0) return false;
    const digits = this.#bytes.subarray(0, line).toString('latin1');
    assert.match(digits, /^[0-9a-f]+$/, 'a chunk begins with its size');
    assert.equal(this.ended, false, 'nothing follows the last chunk');
    const size = parseInt(digits, 16);
    if (this.#bytes.length < line + 2 + size + 2) return false;
    const chunk = this.#bytes.subarray(line + 2, line + 2 + size);
    assert.equal(this.#bytes.subarray(line + 2 + size, line + 4 + size).toString('latin1'), '\r\n', 'a chunk ends with a line break');
    this.#bytes = this.#bytes.subarray(line + 4 + size);
    if (size === 0) {
      assert.equal(this.#bytes.length, 0, 'nothing follows the last chunk');
      this.ended = true;
      return false;
    }
    this.chunks.push(size);
    this.#feed(chunk);
    assert.equal(this.#text, '', 'a chunk ends between two events');
    return true;
  }

  #feed(bytes) {
    this.#text += bytes.toString('latin1');
    for (;;) {
      const end = this.#text.match(/\r\n|\n|\r(?!$)/);
      if (!end) return;
      this.#line(Buffer.from(this.#text.slice(0, end.index), 'latin1').toString('utf8'));
      this.#text = this.#text.slice(end.index + end[0].length);
    }
  }

  #dispatch(event) {
    if (this.onEvent) this.onEvent(event);
    else this.events.push(event);
  }

  #line(line) {
    const block = this.#block;
    if (line === '') {
      if (block.id !== undefined) {
        this.id = block.id;
        this.ids += 1;
        assert.deepEqual(block.data, [], 'an id is a block of its own');
        this.onEvent?.({ id: this.id });
      }
      if (block.data.length > 0) this.#dispatch({ event: block.event ?? 'message', data: block.data.join('\n'), id: this.id });
      this.#block = { data: [] };
      return;
    }
    if (line.startsWith(':')) return void (this.comments += 1);
    const [, name, value] = line.match(/^([^:]*)(?:: ?([^]*))?$/);
    if (name === 'data') block.data.push(value ?? '');
    else if (name === 'retry') this.retry_ms = Number(value);
    else if (['event', 'id'].includes(name)) block[name] = value ?? '';
    else assert.fail(`an unknown field: ${line}`);
  }
}
