// FullClient: one connection that speaks the full protocol, in either form; forms: both of them.
//
// Answers are promises by the request's id; messages are kept in the order of arrival, and sorted into subscriptions by
// the dispatch rule of proto/PROTOCOL.md when asked.

import { describe } from 'node:test';
import { Client } from '../client.mjs';
import { jsonForm } from './json_form.mjs';
import { protoForm } from './proto_form.mjs';

export const forms = { json: jsonForm, proto: protoForm };

// What the broker said to a request that it refused.
export class Refused extends Error {
  constructor(error) {
    super(`${error.code} ${error.field ?? ''}: ${error.text}`);
    Object.assign(this, { code: error.code, field: error.field ?? '', id: error.id ?? 0 });
  }
}

export class FullClient {
  events = []; // all that came, in order: [name, members]
  messages = []; // those of name `message`
  errors = []; // those that no request waits for
  #waiting = new Map(); // id -> {resolve, reject}
  #lastId = 0;

  // `url`: of /ws or of a topic. Options: form ('json' or 'proto'), onMessage instead of keeping messages, and those of
  // Client.
  constructor(url, { form = 'json', onMessage, ...options } = {}) {
    this.form = forms[form];
    this.onMessage = onMessage;
    this.client = new Client(url, {
      protocols: [this.form.subprotocol], ...options, onMessage: (data) => this.#take(data),
    });
    this.client.ws.on('close', (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`closed with ${code}`));
      this.#waiting.clear();
    });
  }

  static async open(url, options) {
    const full = new FullClient(url, options);
    await full.client.opened();
    return full;
  }

  #take(data) {
    const [[name, event]] = Object.entries(this.form.readEvent(data));
    if (name === 'message') {
      if (this.onMessage) return this.onMessage(event);
      this.messages.push(event);
    }
    this.events.push([name, event]);
    this.#answer(name, event);
  }

  #answer(name, event) {
    const request = this.#waiting.get(event.id ?? 0);
    if (!request || !['welcome', 'subscribed', 'unsubscribed', 'changed', 'ack', 'error'].includes(name)) {
      if (name === 'error') this.errors.push(event);
      return;
    }
    this.#waiting.delete(event.id);
    if (name === 'error') request.reject(new Refused(event));
    else request.resolve(event);
  }

  nextId() {
    return ++this.#lastId;
  }

  // The answer that will come to a request of this id; rejects with Refused.
  answer(id) {
    const promise = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    promise.catch(() => {}); // whoever wants to know awaits it
    return promise;
  }

  // Sends a request; its answer. An id of its own unless `members` has one.
  ask(name, members = {}) {
    const id = members.id ?? this.nextId();
    const answer = this.answer(id);
    this.send({ [name]: { ...members, id } });
    return answer;
  }

  // Sends a request without waiting for anything.
  send(request) {
    return this.sendRaw(this.form.writeRequest(request));
  }

  // Sends whatever it is: strings as text, Buffers as binary.
  sendRaw(data) {
    this.client.send(data);
    return this;
  }

  hello(members) {
    return this.ask('hello', members);
  }

  // The id of the new subscription.
  async subscribe(filter, options) {
    return (await this.ask('subscribe', { filter, ...options })).id;
  }

  // The answer to a publish of `payload`: a string as text, a Buffer as binary.
  publish(topic, payload, options) {
    return this.ask('publish', publishOf(topic, payload, options));
  }

  // Until `check()` is true, which is asked whenever something has come.
  until(check, what) {
    return this.client.until(check, typeof what === 'string' ? () => what : what);
  }

  // Until a message has come that `check` is true for; that message.
  async heard(check, what = () => `a message like ${check}; there were ${this.messages.length}`) {
    await this.until(() => this.messages.some(check), what);
    return this.messages.find(check);
  }

  // Until an event of that name has come (that `check` is true for); its members.
  async event(name, check = () => true) {
    const find = () => this.events.find(([each, members]) => each === name && check(members));
    await this.until(find, () => `${name}; there were ${this.events.map(([each]) => each).slice(-10)}`);
    return find()[1];
  }

  // Everything sent before has been read by the broker, and everything it had to say at once has come.
  roundTrip() {
    return this.client.roundTrip();
  }

  // What each subscription was given, by id: [message, …] in order, as a client that follows PROTOCOL.md dispatches.
  dispatched() {
    const given = new Map();
    const live = new Map(); // id -> filter
    for (const [name, event] of this.events) {
      const id = event.id ?? 0;
      if (name === 'subscribed') live.set(id, event.filter) && given.set(id, []);
      if (name === 'unsubscribed') live.delete(event.subscription ?? 0);
      if (name !== 'message') continue;
      if (event.mark) given.get(event.subscription ?? 0).push(event);
      else for (const [each, filter] of live) if (matches(filter, event.topic)) given.get(each).push(event);
    }
    return given;
  }

  close() {
    return this.client.close(1000);
  }

  over() {
    return this.client.over();
  }

  get closed() {
    return this.client.closed;
  }
}

export const fullUrl = (broker) => `ws://127.0.0.1:${broker.port}/ws`;

// A message's payload as text.
export const text = (message) => message.payload?.toString() ?? '';

// Runs `body(form, open)` once for each form; open() connects to /ws, or to a URL.
export function onEachForm(broker, body) {
  for (const form of Object.keys(forms)) {
    describe(form, () => body(form, (options, url = fullUrl(broker())) => FullClient.open(url, { form, ...options })));
  }
}

export function publishOf(topic, payload, options = {}) {
  if (payload === undefined) return { topic, ...options };
  const format = typeof payload === 'string' ? 'text' : 'binary';
  return { topic, format, payload: Buffer.from(payload), ...options };
}

export function matches(filter, topic) {
  if (topic.startsWith('$') && /^[#+]/.test(filter)) return false;
  const wanted = filter.split('/');
  const levels = topic.split('/');
  const below = wanted.at(-1) === '#' && wanted.pop() === '#';
  if (below ? levels.length < wanted.length : levels.length !== wanted.length) return false;
  return wanted.every((level, i) => level === '+' || level === levels[i]);
}
