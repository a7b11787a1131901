// Connection: one WebSocket, from its opening to its end. It reads and writes, and decides nothing.

import { RingcastError } from './error.js';

export class Connection {
  #socket;
  #codec;
  #handlers;
  #isOpen = false;

  // `handlers`: opened(), event(name, members), closed(code, error); after close() or closed() none is called.
  // Throws what the WebSocket's constructor throws.
  constructor({ url, protocols, codec, WebSocket }, handlers) {
    this.#codec = codec;
    this.#handlers = handlers;
    const socket = (this.#socket = new WebSocket(url, protocols));
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.#opened(socket.protocol);
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onclose = ({ code, reason }) => this.#ended(code, reason);
    // 'close' follows, and says more; but not in Node 22 where the connection could not be opened.
    socket.onerror = () => this.#isOpen || this.#ended(1006, '');
  }

  #opened(protocol) {
    this.#isOpen = true;
    if (protocol === this.#codec.subprotocol) return this.#handlers?.opened();
    return this.#fail(new RingcastError('usage', `the server does not speak ${this.#codec.subprotocol}`), 1002);
  }

  #received(data) {
    if (!this.#handlers) return; // a socket that is closing may still hear
    let event;
    try {
      event = this.#codec.read(data);
    } catch (error) {
      if (error.code === 'unknown_field') return; // a newer broker's event
      return this.#fail(error, 1006);
    }
    this.#handlers.event(...event);
  }

  #fail(error, code) {
    const handlers = this.#handlers;
    this.close(1000);
    handlers?.closed(code, error);
  }

  #ended(code, reason) {
    const handlers = this.#handlers;
    this.#handlers = undefined;
    const why = code === 1006 ? 'the connection broke, or was refused' : `closed with ${code}${reason && `: ${reason}`}`;
    handlers?.closed(code, new RingcastError('connection', why, { closeCode: code }));
  }

  request(name, members) {
    this.#socket.send(this.#codec.write(name, members));
  }

  // Publishes, as part() has encoded them, in one message.
  publish(parts) {
    this.#socket.send(this.#codec.join(parts));
  }

  get codec() {
    return this.#codec;
  }

  close(code = 1000) {
    this.#handlers = undefined;
    this.#socket.close(code);
  }
}
