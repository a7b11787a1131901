// Client: a WebSocket of npm's `ws`, whose messages can be waited for; request(): one HTTP request.

import http from 'node:http';
import { Signal, require, within } from './program.mjs';

export const WebSocket = require('ws');

const open = new Set(); // of this process, so that a test can close what it opened

export class Client {
  inbox = []; // strings for text, Buffers for binary, in the order of arrival
  closed; // {code, reason} once it is
  #changed = new Signal();

  // Not open yet: see opened(). Options are those of `ws`, and `onMessage` instead of the inbox.
  constructor(url, { protocols = [], onMessage, ...options } = {}) {
    open.add(this);
    this.ws = new WebSocket(url, protocols, { perMessageDeflate: false, ...options });
    this.ws.on('message', (data, isBinary) => {
      const message = isBinary ? data : data.toString();
      if (onMessage) onMessage(message);
      else this.inbox.push(message);
      this.#changed.wake();
    });
    this.ws.on('pong', (data) => this.#pongs.push(data.toString()) && this.#changed.wake());
    this.ws.on('error', (error) => (this.error = error));
    this.ws.on('unexpected-response', (_, response) => this.#refused(response));
    this.ws.on('close', (code, reason) => {
      open.delete(this);
      this.closed = { code, reason: reason.toString() };
      this.#changed.wake();
    });
    this.ws.on('open', () => this.#changed.wake());
  }

  #pongs = [];

  async #refused(response) {
    this.refusal = { status: response.statusCode, headers: response.headers, body: await bodyOf(response) };
    this.ws.terminate(); // `ws` leaves that to whoever listens for refusals; 'close' comes of it
  }

  static async open(url, options) {
    return new Client(url, options).opened();
  }

  async opened() {
    await this.#changed.until(() => {
      if (this.closed) throw new Error(`refused: ${JSON.stringify(this.refusal ?? this.error?.message)}`);
      return this.ws.readyState === WebSocket.OPEN;
    }, `open of ${this.ws.url}`);
    return this;
  }

  // Until the broker has refused it: {status, headers, body}.
  async refused() {
    await this.#changed.until(() => this.closed, `refusal of ${this.ws.url}`);
    return this.refusal ?? { error: this.error?.message ?? 'it was opened' };
  }

  send(data, options) {
    this.ws.send(data, options);
    return this;
  }

  // Until `check(inbox)` is true, or there are `check` messages; the inbox.
  async has(check) {
    const enough = typeof check === 'number' ? () => this.inbox.length >= check : () => check(this.inbox);
    await this.#changed.until(
      () => {
        if (enough()) return true;
        if (this.closed) throw new Error(`closed with ${JSON.stringify(this.closed)}, ${this.inbox.length} messages`);
        return false;
      },
      () => `${check} messages; there were ${this.inbox.length}: ${this.inbox.slice(-3)}`,
    );
    return this.inbox;
  }

  // Until onMessage has made `check` true.
  until(check, what) {
    return this.#changed.until(() => {
      if (check()) return true;
      if (this.closed) throw new Error(`closed with ${JSON.stringify(this.closed)} before ${what()}`);
      return false;
    }, what);
  }

  // The first message that was not taken yet.
  async next() {
    await this.has(1);
    return this.inbox.shift();
  }

  // A ping's way there and back: everything sent before has been read by the broker.
  async roundTrip(payload = 'round trip') {
    const before = this.#pongs.length;
    this.ws.ping(payload);
    await this.#changed.until(() => this.#pongs.length > before, 'a pong');
    return this.#pongs.at(-1);
  }

  // The closing handshake: {code, reason} as the broker answers them.
  async close(code, reason) {
    if (!this.closed) this.ws.close(code, reason);
    return this.over();
  }

  async over() {
    await this.#changed.until(() => this.closed, `close of ${this.ws.url}`);
    return this.closed;
  }
}

// Closes every client that is open.
export async function closeAll() {
  await Promise.all([...open].map((client) => client.close(1000)));
}

async function bodyOf(response) {
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks);
}

// One request on a connection of its own (or of `agent`): {status, headers, body}.
export function request(url, { method = 'GET', headers = {}, body, agent = false } = {}) {
  // Node sends the body of a DELETE without saying how long it is.
  const framed = body === undefined ? headers : { 'Content-Length': Buffer.byteLength(body), ...headers };
  const answer = new Promise((resolve, reject) => {
    const sent = http.request(url, { method, headers: framed, agent }, (response) => {
      bodyOf(response).then((bytes) => resolve({ status: response.statusCode, headers: response.headers, body: bytes }), reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
  return within(answer, `an answer to ${method} ${url}`);
}

// Publishes by POST; its sequence number.
export async function publish(broker, topic, body, headers = {}) {
  const answer = await request(`${broker.url}/topics/${topic}`, { method: 'POST', headers, body });
  if (answer.status !== 200) throw new Error(`POST ${topic}: ${answer.status} ${answer.body}`);
  return JSON.parse(answer.body).seq;
}
