// Socket: a WebSocket connection that costs little, so that one process can be thousands of subscribers.
//
// All sockets of the process read into one buffer. With `onEvent` each message is given as the JSON form of the full
// protocol; with `onMessage` its payload, as long as the call lasts; without either, frames and bytes are only counted.

import net from 'node:net';
import tls from 'node:tls';

const kReadBytes = 256 * 1024;
const kPing = 9;
const kClose = 8;

const shared = Buffer.allocUnsafe(kReadBytes);

export class Socket {
  frames = 0; // of messages
  bytes = 0; // of everything, heads included
  closeCode; // of the broker's close frame
  over = false; // the connection has ended, in whatever way
  #rest; // the front of a frame that has not come whole
  #skip = 0; // of the payload of a frame that is counted only
  #parts = []; // of a message in several frames
  #upgraded;

  // `path`: with a query, percent-encoded. `json`: speaks the full protocol. `offer`: a Sec-WebSocket-Extensions. `tls`:
  // over TLS, whoever answers, and with memory of its own for what it reads.
  constructor(port, path, { json = false, offer, tls: isTls = false, onEvent, onMessage, onOver } = {}) {
    Object.assign(this, { onEvent, onMessage, onOver });
    const onread = isTls ? undefined : { buffer: shared, callback: (size, buffer) => this.#read(buffer.subarray(0, size)) };
    this.below = net.connect({ port, host: '127.0.0.1', noDelay: true, onread });
    this.socket = isTls ? tls.connect({ socket: this.below, rejectUnauthorized: false }) : this.below;
    if (isTls) this.socket.on('data', (data) => this.#read(data));
    this.below.on('error', () => {});
    this.socket.on('error', () => {}); // 'close' comes of it
    this.opened = new Promise((resolve, reject) => {
      this.#upgraded = resolve;
      this.socket.on('close', () => {
        this.over = true;
        reject(new Error(`${path} was refused: ${this.#rest?.toString('latin1').split('\r\n')[0] ?? 'no answer'}`));
        this.onOver?.();
      });
    });
    this.opened.catch(() => {}); // whoever wants to know awaits it
    this.socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`
      + (json ? 'Sec-WebSocket-Protocol: ringcast.v1.json\r\n' : '') + (offer ? `Sec-WebSocket-Extensions: ${offer}\r\n` : '')
      + 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  }

  // Until it is open; itself.
  static async open(...args) {
    const socket = new Socket(...args);
    await socket.opened;
    return socket;
  }

  #read(data) {
    this.bytes += data.length;
    if (this.#upgraded) data = this.#head(data);
    if (data && data.length > 0) this.#take(data);
    return true;
  }

  // What follows the head of the answer, once that is whole.
  #head(data) {
    const all = this.#rest ? Buffer.concat([this.#rest, data]) : Buffer.from(data);
    const end = all.indexOf('\r\n\r\n') + 4;
    this.#rest = all;
    if (end < 4 || !all.subarray(0, 12).equals(Buffer.from('HTTP/1.1 101'))) return undefined;
    this.#rest = undefined;
    this.#upgraded(this);
    this.#upgraded = undefined;
    return all.subarray(end);
  }

  #take(data) {
    if (this.#skip >= data.length) {
      this.#skip -= data.length;
      return;
    }
    let at = this.#skip;
    this.#skip = 0;
    if (this.#rest) data = Buffer.concat([this.#rest, data]);
    this.#rest = undefined;
    while (at < data.length) {
      const end = this.#frame(data, at);
      if (end === 0) {
        this.#rest = Buffer.from(data.subarray(at));
        return;
      }
      at = end;
    }
    this.#skip = at - data.length;
  }

  // Takes the frame at `at`: where it ends (beyond the data when it is counted only), or 0 when more of it is needed.
  #frame(data, at) {
    if (data.length - at < 10 && data.length - at < headSize(data, at)) return 0;
    const code = data[at] & 0x0f;
    const head = headSize(data, at);
    const short = data[at + 1] & 0x7f;
    const size = short < 126 ? short : short === 126 ? data.readUInt16BE(at + 2) : Number(data.readBigUInt64BE(at + 2));
    const from = at + head;
    if (code < kClose && !this.onEvent && !this.onMessage) {
      this.frames += 1;
      return from + size;
    }
    if (data.length < from + size) return 0;
    const payload = data.subarray(from, from + size);
    if (code >= kClose) this.#control(code, payload);
    else this.#part(payload, data[at] >= 0x80);
    return from + size;
  }

  #control(code, payload) {
    if (code === kPing) this.socket.write(frame(0x8a, payload));
    if (code !== kClose) return;
    this.closeCode = payload.length < 2 ? 1005 : payload.readUInt16BE(0);
    this.socket.end(frame(0x88, payload.subarray(0, 2)));
  }

  #part(payload, isLast) {
    if (!isLast) return this.#parts.push(Buffer.from(payload));
    this.frames += 1;
    if (this.#parts.length > 0) payload = Buffer.concat([...this.#parts.splice(0), payload]);
    if (this.onMessage) return this.onMessage(payload);
    const event = JSON.parse(payload.toString());
    for (const name in event) return this.onEvent(name, event[name]); // one member
  }

  // A text message; an object as JSON.
  send(message) {
    this.socket.write(frame(0x81, Buffer.from(typeof message === 'string' ? message : JSON.stringify(message))));
  }

  // Stops reading: what the broker sends stays in the kernel, and then in the broker.
  stall() {
    this.socket.pause();
  }

  resume() {
    this.socket.resume();
  }

  // Goes without a word, as a machine that loses its network does: the broker is sent a RST at best.
  cut() {
    this.below.resetAndDestroy();
  }
}

function headSize(data, at) {
  if (data.length - at < 2) return 2;
  const short = data[at + 1] & 0x7f;
  return short < 126 ? 2 : short === 126 ? 4 : 10;
}

// A frame of a client. Masked with zeros, which is a mask like any other and leaves the payload as it is.
function frame(first, payload) {
  const size = payload.length;
  const head = Buffer.alloc(size < 126 ? 6 : size < 65536 ? 8 : 14);
  head[0] = first;
  head[1] = 0x80 | (size < 126 ? size : size < 65536 ? 126 : 127);
  if (head.length === 8) head.writeUInt16BE(size, 2);
  if (head.length === 14) head.writeBigUInt64BE(BigInt(size), 2);
  return Buffer.concat([head, payload]);
}
