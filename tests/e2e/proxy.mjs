// Proxy: a TCP proxy that a test can point elsewhere, close for a while, and let break connections in the middle of things.

import net from 'node:net';

// A number from 0 to below 1, the same sequence for the same seed (mulberry32).
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Proxy {
  target; // the port connections go to; undefined: they are refused by being closed at once
  bytes = 0; // passed on, both ways
  connections = 0;
  cuts = 0;
  #pairs = new Set();

  // `budget()`: after how many bytes, both ways together, a new connection is cut; undefined: never.
  // `onBytes(total)`: after each piece passed on.
  static async start({ budget = () => undefined, onBytes = () => {} } = {}) {
    const proxy = new Proxy();
    proxy.budget = budget;
    proxy.onBytes = onBytes;
    proxy.server = net.createServer((socket) => proxy.#accept(socket));
    await new Promise((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url() {
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  // Connections that are open now.
  get open() {
    return this.#pairs.size;
  }

  #accept(client) {
    client.on('error', () => {});
    if (!this.target) return client.resetAndDestroy();
    this.connections += 1;
    const broker = net.connect(this.target, '127.0.0.1');
    const pair = { client, broker, left: this.budget() ?? Infinity };
    this.#pairs.add(pair);
    broker.on('error', () => {});
    for (const [from, to] of [[client, broker], [broker, client]]) {
      from.on('data', (piece) => this.#pass(pair, from, to, piece));
      from.on('drain', () => (from === client ? broker : client).resume());
      from.on('close', () => this.#end(pair));
    }
  }

  // The last piece of a connection that is to be cut is passed on in part: frames break anywhere.
  #pass(pair, from, to, piece) {
    const part = piece.subarray(0, pair.left);
    pair.left -= part.length;
    this.bytes += part.length;
    if (!to.write(part)) from.pause();
    if (pair.left === 0) {
      this.cuts += 1;
      to.end(); // what was passed on arrives, and then nothing
      from.destroy();
    }
    this.onBytes(this.bytes);
  }

  #end(pair) {
    this.#pairs.delete(pair);
    pair.client.destroy();
    pair.broker.destroySoon();
  }

  // Breaks every connection.
  cut() {
    for (const pair of [...this.#pairs]) this.#end(pair);
  }

  stop() {
    this.cut();
    this.server.close();
  }
}
