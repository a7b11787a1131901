// Follower: a program that follows a filter over connections that break, by the rules of proto/PROTOCOL.md ("Checkpoints
// and resuming", "Server-sent events"): SocketFollower in the full protocol, StreamFollower as an EventSource does it.
//
// It keeps account of what it was told, and notes in `wrong` what must not happen: a message that is missing though
// nothing told of it, that comes twice, or out of order. It follows from before the first message on.

import { Client } from './client.mjs';
import { EventStream } from './event_stream.mjs';
import { Signal } from './program.mjs';
import { forms } from './protocol/client.mjs';

const kSubscription = 2; // its id

class Follower {
  told = new Map(); // topic -> {seq, text} of its newest message; of a removal without text
  outcomes = []; // of those resumptions that came to their end
  wrong = [];
  cuts = 0;
  state = 'away'; // then 'opening', then 'open'
  #holes = []; // in what was replayed: right if a gap is told
  #cameOn = new Map(); // topic -> the connection, by number, on which its newest message came
  #changed = new Signal();

  constructor(broker, filter, { delivery = 'every' } = {}) {
    Object.assign(this, { broker, filter, delivery });
  }

  // All it needs to resume has come.
  get isBegun() {
    return this.state === 'open' && this.isComplete && this.point !== undefined;
  }

  until(check, what) {
    return this.#changed.until(check, () => `${what}: ${this.filter} ${this.delivery}, ${this.state}; wrong: ${JSON.stringify(this.wrong.slice(0, 3))}`);
  }

  // Until the next resumption has come to its end; which.
  async resumed() {
    const before = this.outcomes.length;
    await this.connect();
    await this.until(() => this.outcomes.length > before, 'the end of resuming');
    return this.outcomes.at(-1);
  }

  // Whether it was told of each topic in `last` (topic -> {seq, text}) what was published last.
  has(last) {
    for (const [topic, { seq, text }] of last) {
      if (!/[#+]/.test(this.filter) && topic !== this.filter) continue;
      const told = this.told.get(topic);
      if (told?.seq !== seq || told.text !== text) return false;
    }
    return true;
  }

  begin() {
    this.isResuming = this.point !== undefined;
    this.isComplete = false;
  }

  // `mayRepeat`: what came since the point that it resumes from may come again, on another connection.
  take({ topic, seq, mark = 'live', text }, mayRepeat) {
    const last = this.told.get(topic)?.seq ?? 0;
    const note = { topic, seq, mark, last };
    const isLive = mark === 'live';
    const isEvery = this.delivery === 'every';
    if (isEvery && isLive && this.isResuming && !this.isComplete) this.wrong.push({ before: 'what is older', ...note });
    if (seq <= last) {
      const isAgain = isEvery ? this.#cameOn.get(topic) < this.cuts : seq === last; // a value is the newest
      if (isLive || !mayRepeat || !isAgain) this.wrong.push({ again: true, ...note });
    } else {
      if (isEvery && seq > last + 1) (isLive ? this.wrong : this.#holes).push({ missing: true, ...note });
      this.told.set(topic, { seq, text });
      this.#cameOn.set(topic, this.cuts);
    }
  }

  end(outcome) {
    this.isComplete = true;
    this.outcomes.push(outcome);
    if (outcome !== 'gap') this.wrong.push(...this.#holes);
    this.#holes = [];
  }

  wake() {
    this.#changed.wake();
  }
}

export class SocketFollower extends Follower {
  #client;
  #received = new Map(); // origin -> position of its newest live message
  #hasOpened = false; // a subscription began with something since the checkpoint: `received` says nothing of that

  // `positions`: says up to where it has each origin's live messages; else it drops what it knows by seq.
  constructor(broker, filter, { form = 'json', rate, positions = false, ...options } = {}) {
    super(broker, filter, options);
    Object.assign(this, { form: forms[form], rate, positions: positions && this.delivery === 'every' });
  }

  async connect() {
    this.state = 'opening';
    const client = new Client(`ws://127.0.0.1:${this.broker.port}/ws`, {
      protocols: [this.form.subprotocol],
      onMessage: (data) => client === this.#client && this.#hear(data),
    });
    this.#client = client;
    await client.opened();
    this.state = 'open';
    this.begin();
    client.send(this.form.writeRequest({ hello: { id: 1, features: ['checkpoints'] } }));
    client.send(this.form.writeRequest({ subscribe: this.#subscribe() }));
  }

  #subscribe() {
    const subscribe = { id: kSubscription, filter: this.filter, delivery: this.delivery };
    if (this.rate) subscribe.max_rate_hz = this.rate;
    if (!this.isResuming) return subscribe;
    Object.assign(subscribe, { start: 'resume', resume_token: this.point });
    if (this.positions) subscribe.received = Array.from(this.#received, ([origin, position]) => ({ origin, position }));
    return subscribe;
  }

  // As when a network goes away. What was sent and not read is lost.
  lose() {
    this.cuts += 1;
    this.state = 'away';
    this.#client.ws.terminate();
    this.#client = undefined;
  }

  #hear(data) {
    const [[name, event]] = Object.entries(this.form.readEvent(data));
    if (name === 'message') this.#message(event);
    else if (name === 'checkpoint') this.#checkpoint(event);
    else if (name === 'snapshot_end') this.end(event.resumed);
    else if (name === 'subscribed') this.isComplete = !this.isResuming;
    else if (!['welcome', 'go_away'].includes(name)) this.wrong.push({ [name]: event });
    this.wake();
  }

  #message({ origin = 0, position, payload, ...message }) {
    this.take({ ...message, text: payload?.toString() }, !this.positions || this.#hasOpened);
    if (message.mark === undefined) this.#received.set(origin, position);
    else this.#hasOpened = true;
  }

  #checkpoint({ token, epoch }) {
    if (epoch !== this.epoch) this.#received.clear();
    Object.assign(this, { point: token, epoch });
    this.#hasOpened = false;
  }
}

export class StreamFollower extends Follower {
  #stream;

  async connect() {
    this.state = 'opening';
    this.begin();
    const fields = this.point ? { 'Last-Event-ID': this.point } : {};
    const query = `format=json${this.delivery === 'latest' ? '&delivery=latest' : ''}`;
    const onEvent = (event) => this.#hear(event);
    this.#stream = await EventStream.open(this.broker, this.filter, { fields, query, onEvent });
    this.isComplete ||= !this.isResuming;
    this.state = 'open';
  }

  lose() {
    this.cuts += 1;
    this.state = 'away';
    this.#stream.reset();
    this.#stream.onEvent = () => {};
  }

  // `data` is undefined where only an id has come.
  #hear({ event, data, id }) {
    if (id) this.point = id;
    if (event === 'message') this.take(JSON.parse(data).message, true);
    else if (['recovered', 'conflated', 'gap'].includes(event)) this.end(event);
    else if (event) this.wrong.push({ [event]: data });
    this.wake();
  }
}
