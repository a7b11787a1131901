// Client: what connect() gives back. All that it does is done by an engine, in this page or in a worker.

import { RingcastError } from './error.js';
import { makePublication } from './publication.js';
import { Subscription } from './subscription.js';
import { subscribeOf, usage } from './subscribe_options.js';

export const kPending = { messages: 10_000, bytes: 16 * 1024 * 1024 }; // publishes without an answer
const kCloseMs = 5_000;

export class Client extends EventTarget {
  #engine;
  #subscriptions = new Map(); // ref -> Subscription
  #publishes = new Map(); // ref -> {resolve, reject, bytes}
  #changes = new Map(); // ref of a change -> {resolve, reject}
  #lastRef = 0;
  #pending;
  #pendingBytes = 0;
  #waiters = new Set(); // {check, resolve, reject}
  #state = { state: 'connecting' };
  #isHidden = false;
  #hiddenRateHz;

  // makeEngine(host) gives the engine, which is started here.
  constructor(makeEngine, { pending, hiddenRateHz, token }) {
    super();
    this.#pending = { ...kPending, ...pending };
    this.#hiddenRateHz = hiddenRateHz;
    this.#engine = makeEngine({
      state: (detail) => this.#changed(detail),
      answered: (ref, result, error) => this.#answered(ref, result, error),
      message: (ref, message, resumable) => this.#subscriptions.get(ref)?.deliver(message, resumable),
      told: (ref, kind, detail) => this.#subscriptions.get(ref)?.told(kind, detail),
      changed: (ref, error) => this.#settle(this.#changes, ref, undefined, error),
      failed: (error) => this.#emit('error', RingcastError.from(error)),
      token: (reason) => token.get(reason),
    });
    this.#engine.start();
  }

  get state() {
    return this.#state.state;
  }

  get epoch() {
    return this.#state.epoch ?? '';
  }

  // Publishes that have no answer yet.
  get pending() {
    return this.#publishes.size;
  }

  get ready() {
    return this.#until(() => this.state === 'connected' || this.state === 'draining');
  }

  // ---- publishing ----

  publish(topic, data, options) {
    try {
      const publication = makePublication(topic, data, options);
      const { bytes } = publication;
      if (this.state === 'closed') throw this.#closedError();
      if (!this.#hasRoom(bytes)) throw new RingcastError('full', `${this.pending} publishes wait for an answer already`);
      const ref = (this.#lastRef += 1);
      return new Promise((resolve, reject) => {
        this.#publishes.set(ref, { resolve, reject, bytes });
        this.#pendingBytes += bytes;
        this.#engine.publish(ref, publication);
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  event(topic, data, options) {
    return this.publish(topic, data, { ...options, op: 'event' });
  }

  remove(topic, options) {
    return this.publish(topic, undefined, { ...options, op: 'remove' });
  }

  room() {
    const { messages, bytes } = this.#pending;
    return this.#until(() => this.#publishes.size <= messages / 2 && this.#pendingBytes <= bytes / 2);
  }

  // One message always has room.
  #hasRoom(bytes) {
    if (this.#publishes.size === 0) return true;
    return this.#publishes.size < this.#pending.messages && this.#pendingBytes + bytes <= this.#pending.bytes;
  }

  #answered(ref, result, error) {
    this.#pendingBytes -= this.#publishes.get(ref)?.bytes ?? 0;
    this.#settle(this.#publishes, ref, result, error);
    this.#look();
  }

  #settle(waiting, ref, result, error) {
    const promise = waiting.get(ref);
    waiting.delete(ref);
    if (error) promise?.reject(RingcastError.from(error));
    else promise?.resolve(result);
  }

  // ---- subscribing ----

  subscribe(filter, options = {}, callback = undefined) {
    if (typeof options === 'function') return this.subscribe(filter, {}, options);
    if (typeof filter !== 'string' || filter === '') usage('a filter is a name');
    const { options: members, from, wanted } = subscribeOf(options);
    if (this.state === 'closed') throw this.#closedError();
    const ref = (this.#lastRef += 1);
    const owner = {
      change: (change) => this.#change(ref, change),
      unsubscribe: () => this.#unsubscribe(ref),
      tell: (type, detail) => this.#told(ref, subscription, type, detail),
    };
    const { buffer, hiddenRateHz } = options;
    const subscription = new Subscription(owner, { filter, wanted, callback, buffer, from, hiddenRateHz });
    subscription.hide(this.#isHidden, this.#hiddenRateHz);
    this.#subscriptions.set(ref, subscription);
    this.#engine.subscribe(ref, filter, { ...members, ...subscription.wire }, from);
    return subscription;
  }

  get subscriptions() {
    return [...this.#subscriptions.values()];
  }

  // What a subscription is told is told here, too.
  #told(ref, subscription, type, detail) {
    if (subscription.isEnded) this.#subscriptions.delete(ref);
    if (['gap', 'recovered', 'conflated', 'lag', 'error'].includes(type)) this.#emit(type, detail, subscription);
  }

  // Several may be on their way: each has a ref of its own.
  #change(ref, change) {
    const changeRef = (this.#lastRef += 1);
    return new Promise((resolve, reject) => {
      this.#changes.set(changeRef, { resolve, reject });
      this.#engine.change(ref, change, changeRef);
    });
  }

  #unsubscribe(ref) {
    this.#subscriptions.delete(ref);
    this.#engine.unsubscribe(ref);
  }

  // ---- the page and the network ----

  // Nobody looks: subscriptions with `latest` are slowed down until somebody does.
  hide(isHidden) {
    this.#isHidden = isHidden;
    if (!isHidden) this.#engine.hurry();
    for (const [ref, subscription] of this.#subscriptions) {
      if (subscription.hide(isHidden, this.#hiddenRateHz)) this.#change(ref, subscription.wire).catch(() => {});
    }
  }

  // The network came, or went: there is reason to look.
  hurry() {
    this.#engine.hurry();
  }

  // ---- states ----

  #changed(detail) {
    this.#state = detail;
    const error = detail.error && RingcastError.from(detail.error);
    this.#emit('state', { ...detail, error });
    if (detail.state === 'closed') {
      for (const subscription of [...this.#subscriptions.values()]) subscription.end(error);
      if (error) this.#emit('error', error);
    }
    this.#look();
  }

  #closedError() {
    return new RingcastError('closed', this.#state.error?.message ?? 'the client is closed');
  }

  #until(check) {
    return new Promise((resolve, reject) => {
      this.#waiters.add({ check, resolve, reject });
      this.#look();
    });
  }

  #look() {
    for (const waiter of this.#waiters) {
      if (waiter.check()) waiter.resolve(this);
      else if (this.state === 'closed') waiter.reject(this.#closedError());
      else continue;
      this.#waiters.delete(waiter);
    }
  }

  #emit(type, detail, subscription = undefined) {
    this.dispatchEvent(Object.assign(new CustomEvent(type, { detail }), { subscription }));
  }

  close({ timeoutMs = kCloseMs } = {}) {
    const closed = this.#until(() => this.state === 'closed');
    this.#engine.close(timeoutMs);
    return closed.then(() => undefined);
  }
}
