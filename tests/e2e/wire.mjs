// Wire: bytes as an evil peer writes them, and what the broker answers to them.
//
// frame() writes any frame, also those that RFC 6455 forbids. Peer is a raw socket that keeps everything it was sent and
// tells how the connection ended.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import net from 'node:net';
import { constants, inflateRawSync } from 'node:zlib';
import { topicPath } from './broker.mjs';
import { Signal } from './program.mjs';

export const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

const kKey = 'dGhlIHNhbXBsZSBub25jZQ==';
const kMask = Buffer.from([0x37, 0xfa, 0x21, 0x3d]); // RFC 6455 §5.7's

// One frame. `length`: 7, 16 or 64 bits to write the length in, by default the fewest; `claim`: a length that is not the
// payload's; `mask: false`: unmasked.
export function frame(code, payload = '', { fin = true, rsv = 0, mask = true, length, claim } = {}) {
  const body = Buffer.from(payload);
  const size = BigInt(claim ?? body.length);
  const bits = length ?? (size < 126n ? 7 : size < 65536n ? 16 : 64);
  const head = Buffer.alloc(2 + { 7: 0, 16: 2, 64: 8 }[bits]);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | code;
  head[1] = (mask ? 0x80 : 0) | (bits === 7 ? Number(size) : bits === 16 ? 126 : 127);
  if (bits === 16) head.writeUInt16BE(Number(size), 2);
  if (bits === 64) head.writeBigUInt64BE(size, 2);
  if (!mask) return Buffer.concat([head, body]);
  return Buffer.concat([head, kMask, body.map((byte, i) => byte ^ kMask[i % 4])]);
}

export const text = (payload, options) => frame(opcode.text, payload, options);
export const binaryFrame = (payload, options) => frame(opcode.binary, payload, options);
export const continuation = (payload, options) => frame(opcode.continuation, payload, options);
export const ping = (payload, options) => frame(opcode.ping, payload, options);

export function close(code, reason = '') {
  if (code === undefined) return frame(opcode.close);
  return frame(opcode.close, Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]));
}

// The head of an upgrade to a topic; `fields` replace (or with undefined remove) the usual ones.
export function handshake(filter, { query = '', method = 'GET', version = '1.1', fields = {} } = {}) {
  const all = {
    Host: '127.0.0.1',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': kKey,
    'Sec-WebSocket-Version': '13',
    ...fields,
  };
  const path = filter.startsWith('/') ? filter : topicPath(filter);
  const lines = Object.entries(all).filter(([, value]) => value !== undefined).map(([name, value]) => `${name}: ${value}`);
  return [`${method} ${path}${query && '?' + query} HTTP/${version}`, ...lines, '', ''].join('\r\n');
}

export const acceptKey = createHash('sha1').update(kKey + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');

const open = new Set(); // of this process

// Resets every peer that is there.
export function resetPeers() {
  for (const peer of open) peer.reset();
}

export class Peer {
  received = Buffer.alloc(0); // not read yet
  ended = false; // the broker sent its FIN
  error; // ECONNRESET and the like
  closed = false; // both sides are
  compressing = false; // permessage-deflate was negotiated
  #chunks = [];
  #changed = new Signal();

  constructor(port, { host = '127.0.0.1', paused = false, socket = net.connect({ port, host, noDelay: true, allowHalfOpen: true }) } = {}) {
    this.socket = socket;
    open.add(this);
    this.socket.on('end', () => this.#take(() => (this.ended = true)));
    this.socket.on('error', (error) => this.#take(() => (this.error = error)));
    this.socket.on('close', () => this.#take(() => (this.closed = open.delete(this))));
    this.socket.on('connect', () => this.#changed.wake());
    if (!paused) this.resume();
  }

  // A connection that is an open WebSocket on a topic or filter.
  static async open(broker, filter, options = {}) {
    const peer = new Peer(broker.port, options);
    peer.write(handshake(filter, options));
    const head = await peer.head();
    assert.match(head, /^HTTP\/1\.1 101 /);
    return peer;
  }

  resume() {
    this.socket.on('data', (data) => this.#take(() => this.#chunks.push(data)));
  }

  #take(change) {
    change();
    this.#changed.wake();
  }

  #gather() {
    if (this.#chunks.length > 0) this.received = Buffer.concat([this.received, ...this.#chunks.splice(0)]);
    return this.received;
  }

  #until(check, what) {
    const all = () => `${what}; there was ${this.#gather().length} bytes: ${this.#gather().subarray(0, 300).toString('latin1')}`
      + `${this.ended ? ' FIN' : ''}${this.error ? ` ${this.error.code}` : ''}`;
    return this.#changed.until(() => {
      const result = check(this.#gather());
      if (!result && (this.ended || this.error)) throw new Error(`the broker closed before ${all()}`);
      return result;
    }, all);
  }

  // What has come and was not read yet.
  get unread() {
    return this.#gather();
  }

  async connected() {
    await this.#changed.until(() => !this.socket.connecting || this.error, 'connect');
    return this;
  }

  write(data) {
    this.socket.write(data);
    return this;
  }

  // Resolves when the kernel has taken everything that was written, or the connection is over.
  flushed() {
    return new Promise((resolve) => this.socket.write('', () => resolve()));
  }

  fin() {
    this.socket.end();
  }

  // Goes without a word, as a machine that loses its power does: the broker is sent a RST.
  reset() {
    this.socket.resetAndDestroy();
  }

  // The next HTTP head, with its final empty line.
  async head() {
    const end = await this.#until((bytes) => bytes.indexOf('\r\n\r\n') + 1, 'an HTTP head') + 3;
    const head = this.received.subarray(0, end).toString('latin1');
    this.received = this.received.subarray(end);
    return head;
  }

  // The next HTTP response: {status, head, body}.
  async response() {
    const head = await this.head();
    const size = Number(head.match(/^content-length: (\d+)/im)?.[1] ?? 0);
    await this.#until((bytes) => bytes.length >= size, `a body of ${size} bytes`);
    const body = this.received.subarray(0, size);
    this.received = this.received.subarray(size);
    return { status: Number(head.split(' ')[1]), head, body: body.toString() };
  }

  // The next frame: {code, fin, payload}. A server's frames are never masked.
  async frame() {
    const parsed = await this.#until(parseFrame, 'a frame');
    this.received = this.received.subarray(parsed.size);
    return parsed;
  }

  // The next whole message, or control frame.
  async message() {
    const first = await this.frame();
    const parts = [first.payload];
    assert.ok(first.rsv === 0 || (first.rsv === 4 && this.compressing && first.code < opcode.close), 'no reserved bit');
    for (let { fin } = first; !fin; ) {
      const next = await this.frame();
      assert.equal(next.code, opcode.continuation);
      assert.equal(next.rsv, 0, 'no reserved bit');
      parts.push(next.payload);
      fin = next.fin;
    }
    const payload = Buffer.concat(parts);
    return { code: first.code, payload: first.rsv === 4 ? inflated(payload) : payload };
  }

  // Everything up to the close frame is thrown away: its {code, reason}; code 1005 when it has none.
  async closeFrame() {
    for (;;) {
      const { code, payload } = await this.message();
      if (code !== opcode.close) continue;
      if (payload.length === 0) return { code: 1005, reason: '' };
      return { code: payload.readUInt16BE(0), reason: payload.subarray(2).toString() };
    }
  }

  // Until the broker has closed its side, and then ours: 'FIN' or the error's code. What follows on its FIN, as when
  // something of ours was still on its way, does not count.
  async end() {
    await this.#changed.until(() => this.ended || this.error || this.closed, 'the end of the connection');
    this.#gather();
    this.socket.destroy();
    return this.error && !this.ended ? this.error.code : 'FIN';
  }

  async gone() {
    await this.#changed.until(() => this.closed, 'close');
  }
}

// RFC 7692 §7.2.2, without a context.
function inflated(payload) {
  const whole = Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]);
  return inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH });
}

function parseFrame(bytes) {
  if (bytes.length < 2) return undefined;
  assert.equal(bytes[1] & 0x80, 0, 'a server masks no frame');
  const short = bytes[1] & 0x7f;
  const head = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < head) return undefined;
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < head + length) return undefined;
  return {
    code: bytes[0] & 0x0f,
    fin: (bytes[0] & 0x80) !== 0,
    rsv: (bytes[0] >> 4) & 7,
    payload: bytes.subarray(head, head + length),
    size: head + length,
  };
}
