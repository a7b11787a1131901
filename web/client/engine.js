// Engine: the client without its public face: one connection after another to a broker, what is published and subscribed
// there, and the way back after each loss. It runs in the page, or in a worker for several pages.
//
//   waiting ── dial ── opening ──101── greeting ──welcome── ready ── lost ── waiting …
//   closed: by the program, or given up. Nothing leads out of it.
//
// `host` is told: state(detail), answered(ref, result, error), message(ref, message, resumable), told(ref, kind, detail),
// changed(ref, error), failed(error); and is asked: token(reason), a promise.

import { Backoff } from './backoff.js';
import { codec as jsonCodec } from './codec_json.js';
import { Connection } from './connection.js';
import { RingcastError } from './error.js';
import { Liveness } from './liveness.js';
import { Publisher } from './publisher.js';
import { remedyOf } from './close_code.js';
import { Subscriptions } from './subscriptions.js';
import { TokenSource } from './token_source.js';

const kName = 'js/0.1'; // for the broker's operator
const kOpenMs = 10_000; // from the first packet to the broker's welcome
const kGoneMs = 2_000; // beyond the time by which a draining broker said it would close
const kHurryMaxMs = 500; // the network is back: the next try comes by then
const kNobody = Number.MAX_SAFE_INTEGER; // no subscription has this id

export class Engine {
  #options;
  #host;
  #timers;
  #backoff;
  #liveness;
  #publisher;
  #subscriptions;
  #connection;
  #phase = 'waiting';
  #attempt = 0; // what is asked for by an earlier one comes too late
  #timer; // of the phase
  #stateDetail = { state: 'connecting' };
  #reason = 'connect'; // why a token is needed
  #epoch = '';
  #producerId = '';
  #readyMs = 0;
  #backMs = 0; // not before this, as a broker that went away has asked
  #failures = 0; // in a row
  #lastId = 0; // of a request on this connection
  #requests = new Map(); // id -> answered(name, members)
  #closing; // what close() waits for

  // `options`: url, and those of connect() with which a connection is made; canRenewToken. `env`: WebSocket, setTimeout, clearTimeout,
  // now, random.
  constructor(options, host, env) {
    this.#options = options;
    this.#host = host;
    this.#timers = env;
    this.#backoff = new Backoff(options.reconnect);
    this.#liveness = new Liveness(env, options.liveness, { ask: () => this.#probe(), dead: () => this.#dead() });
    this.#publisher = new Publisher({
      answered: (ref, result, error) => this.#answered(ref, result, error),
      nextId: () => (this.#lastId += 1),
    });
    this.#subscriptions = new Subscriptions(host);
  }

  start() {
    this.#dial();
  }

  // ---- what the program wants ----

  publish(ref, publication) {
    this.#publisher.push(ref, publication);
    if (this.#phase === 'closed') this.#publisher.end('the client is closed');
  }

  subscribe(ref, filter, options, from) {
    this.#subscriptions.add(ref, filter, options, from);
  }

  // The answer is changed(changeRef, error).
  change(ref, options, changeRef) {
    this.#subscriptions.change(ref, options, (error) => this.#host.changed(changeRef, error && RingcastError.plain(error)));
  }

  unsubscribe(ref) {
    this.#subscriptions.remove(ref);
  }

  pause(ref) {
    this.#subscriptions.pause(ref);
  }

  proceed(ref) {
    this.#subscriptions.proceed(ref);
  }

  // The network is back, or somebody looks again.
  hurry() {
    if (this.#phase === 'waiting') this.#wait(this.#timers.random() * kHurryMaxMs);
    else this.#liveness.probe();
  }

  // Waits for what is published, at most so long.
  close(timeoutMs) {
    if (this.#phase === 'closed') return;
    if (this.#publisher.isIdle) return this.#stop();
    this.#closing ??= this.#timers.setTimeout(() => this.#stop(), timeoutMs);
  }

  get stateDetail() {
    return this.#stateDetail;
  }

  // ---- a connection's life ----

  async #dial() {
    const attempt = (this.#attempt += 1);
    this.#phase = 'opening';
    this.#setState({ state: 'connecting' });
    this.#after(this.#options.openTimeoutMs ?? kOpenMs, () => this.#lose(new RingcastError('timeout', 'the broker took too long to answer'), 'reconnect'));
    let codec;
    let token;
    try {
      codec = await this.#codec();
      token = await this.#host.token(this.#reason);
    } catch (error) {
      if (attempt !== this.#attempt || this.#phase !== 'opening') return undefined;
      return this.#lose(new RingcastError('token', `there is no token: ${error?.message ?? error}`), 'back_off');
    }
    if (attempt !== this.#attempt || this.#phase !== 'opening') return undefined;
    try {
      const protocols = TokenSource.protocols(codec.subprotocol, token);
      this.#connection = new Connection({ url: this.#options.url, protocols, codec, WebSocket: this.#timers.WebSocket }, {
        opened: () => this.#greet(),
        event: (name, members) => this.#take(name, members),
        closed: (code, error) => this.#closed(code, error),
      });
    } catch (error) {
      this.#stop(new RingcastError('usage', error.message)); // it would be so always
    }
    return undefined;
  }

  async #codec() {
    if (this.#options.protocol !== 'proto') return jsonCodec;
    const { makeCodec } = await import('./codec_proto.js');
    return makeCodec(RingcastError);
  }

  #greet() {
    this.#phase = 'greeting';
    this.#lastId = 0;
    const hello = { client: this.#options.name ?? kName, features: ['checkpoints'] };
    if (this.#producerId) hello.producer_id = this.#producerId;
    this.#ask('hello', hello, (name, members) => (name === 'error' ? this.#refused(members) : this.#welcome(members)));
  }

  #welcome(welcome) {
    const epochChanged = this.#epoch !== '' && this.#epoch !== welcome.epoch;
    this.#epoch = welcome.epoch;
    this.#producerId = welcome.producer_id ?? '';
    this.#phase = 'ready';
    this.#readyMs = this.#timers.now();
    this.#failures = 0;
    this.#reason = 'reconnect';
    this.#timers.clearTimeout(this.#timer);
    this.#liveness.start();
    this.#setState({ state: 'connected', epoch: this.#epoch, epochChanged, server: welcome.server ?? '', subject: welcome.subject ?? '' });
    this.#subscriptions.begin((...request) => this.#ask(...request), this.#epoch);
    this.#publisher.begin(this.#connection, welcome, epochChanged);
  }

  #refused({ code, text }) {
    const later = code === 'too_many_producers' || code === 'draining';
    this.#lose(new RingcastError(code, text), later ? 'back_off' : 'give_up');
  }

  #closed(code, error) {
    this.#connection = undefined;
    if (code === 4401) this.#reason = 'expired';
    let remedy = error.code === 'usage' ? 'back_off' : remedyOf(code);
    if (remedy === 'new_token') remedy = this.#options.canRenewToken ? 'reconnect' : 'give_up';
    this.#lose(error, remedy);
  }

  #dead() {
    this.#lose(new RingcastError('timeout', 'the broker has fallen silent'), 'reconnect');
  }

  #lose(error, remedy) {
    if (this.#phase === 'closed') return undefined;
    if (this.#phase === 'ready' && this.#timers.now() - this.#readyMs >= this.#backoff.stableMs) this.#backoff.reset();
    if (this.#phase !== 'ready') this.#failures += 1;
    this.#disconnect();
    const { attemptsMax } = this.#options.reconnect ?? {};
    if (remedy === 'nothing' || remedy === 'give_up' || this.#failures >= (attemptsMax || Infinity)) return this.#stop(error);
    if (remedy === 'back_off') this.#backoff.grow();
    return this.#wait(this.#backoff.next(this.#timers.random()), error);
  }

  #disconnect() {
    this.#connection?.close();
    this.#connection = undefined;
    this.#liveness.stop();
    this.#requests.clear();
    this.#publisher.lose();
    this.#subscriptions.lose();
  }

  #wait(wantedMs, error) {
    const delayMs = Math.max(wantedMs, this.#backMs - this.#timers.now());
    this.#phase = 'waiting';
    this.#after(delayMs, () => this.#dial());
    this.#setState({ ...this.#stateDetail, state: 'waiting', retryInMs: delayMs, ...(error && { error: RingcastError.plain(error) }) });
  }

  #stop(error) {
    this.#disconnect();
    this.#phase = 'closed';
    for (const timer of [this.#timer, this.#closing]) this.#timers.clearTimeout(timer);
    this.#publisher.end(error?.message ?? 'the client was closed');
    this.#setState({ state: 'closed', ...(error && { error: RingcastError.plain(error) }) });
  }

  #after(ms, then) {
    this.#timers.clearTimeout(this.#timer);
    this.#timer = this.#timers.setTimeout(then, ms);
  }

  #setState(detail) {
    this.#stateDetail = { epoch: this.#epoch, ...detail };
    this.#host.state(this.#stateDetail);
  }

  // ---- what is said on it ----

  // The request's id. An answer that comes on a later connection is none.
  #ask(name, members, answered = () => {}) {
    const id = (this.#lastId += 1);
    this.#requests.set(id, answered);
    this.#connection.request(name, { id, ...members });
    return id;
  }

  // Refused, and that is the answer.
  #probe() {
    this.#ask('unsubscribe', { subscription: kNobody });
  }

  #take(name, members) {
    this.#liveness.heard();
    switch (name) {
      case 'message':
        return this.#subscriptions.message(members);
      case 'ack':
        return this.#publisher.acknowledged(members);
      case 'snapshot_end':
        return this.#subscriptions.snapshotEnd(members);
      case 'checkpoint':
        return this.#subscriptions.checkpoint(members);
      case 'lag':
        return this.#subscriptions.lag(members);
      case 'go_away':
        return this.#goAway(members);
      case 'credit':
        return undefined;
      default:
        return this.#answer(name, members);
    }
  }

  #answer(name, members) {
    const answered = this.#requests.get(members.id ?? 0);
    if (answered) {
      this.#requests.delete(members.id);
      return answered(name, members);
    }
    if (name !== 'error') return undefined;
    if (members.code === 'draining') this.#drains({});
    if (this.#publisher.refused(members)) return undefined;
    return this.#host.failed(RingcastError.plain({ code: members.code, message: members.text, field: members.field }));
  }

  // It closes by itself, with 1012, once it has delivered what it owes.
  #goAway({ text = '', deadline_ms = 0, reconnect_after_ms = 0, reconnect_within_ms = 0 }) {
    this.#backMs = this.#timers.now() + reconnect_after_ms + this.#timers.random() * reconnect_within_ms;
    this.#drains({ text, deadlineMs: deadline_ms });
    this.#after(deadline_ms + kGoneMs, () => this.#lose(new RingcastError('timeout', 'the broker restarts'), 'reconnect'));
  }

  #drains(detail) {
    if (this.#phase !== 'ready' || this.#stateDetail.state === 'draining') return;
    this.#publisher.hold();
    this.#setState({ ...this.#stateDetail, ...detail, state: 'draining' });
  }

  #answered(ref, result, error) {
    this.#host.answered(ref, result, error && RingcastError.plain(error));
    if (this.#closing !== undefined && this.#publisher.isIdle && this.#phase !== 'closed') this.#stop();
  }
}
