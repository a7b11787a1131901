// Subscription: what rc.subscribe() gives back: events, changes and an end; and the messages, by callback or by iteration.

import { RingcastError } from './error.js';
import { Message } from './message.js';
import { MessageQueue } from './message_queue.js';
import { point } from './resume_state.js';
import { changeOf, checkNames, deliveryOf } from './subscribe_options.js';

// Where it does not stop the messages behind it, but is seen.
function report(error) {
  if (globalThis.reportError) globalThis.reportError(error);
  else queueMicrotask(() => { throw error; });
}

export class Subscription extends EventTarget {
  #owner; // {change(options), unsubscribe(), tell(type, detail, subscription)}
  #callback;
  #wanted;
  #hiddenRateHz; // while hidden; undefined: as it is
  #queues = new Set();
  #first; // the queue that was there from the beginning
  #point = point.empty();
  #ready = withResolvers();
  #buffer;

  constructor(owner, { filter, wanted, callback, buffer, from, hiddenRateHz }) {
    super();
    this.filter = filter;
    this.isEnded = false;
    this.#owner = owner;
    this.#wanted = wanted;
    this.#callback = callback;
    this.#buffer = buffer;
    this.#hiddenRateHz = hiddenRateHz;
    if (from) this.#point = structuredClone(from);
    if (!callback) this.#first = this.#addQueue(); // nothing is lost until somebody iterates
    this.#ready.promise.catch(() => {}); // it is an event, too
  }

  get ready() {
    return this.#ready.promise;
  }

  get options() {
    return { ...this.#wanted };
  }

  get point() {
    return structuredClone(this.#point);
  }

  async change(options) {
    checkNames(options, ['delivery', 'maxRateHz', 'onLag']);
    if (this.isEnded) throw new RingcastError('closed', 'the subscription has ended');
    const { delivery, maxRateHz, onLag } = this.#wanted;
    const rate = options.delivery === 'every' ? 0 : maxRateHz;
    const before = this.#wanted;
    const wanted = (this.#wanted = deliveryOf({ delivery, maxRateHz: rate, onLag, ...options }));
    try {
      await this.#owner.change(this.wire);
    } catch (error) {
      if (this.#wanted === wanted) this.#wanted = before;
      throw error;
    }
  }

  unsubscribe() {
    if (this.isEnded) return;
    this.#owner.unsubscribe();
    this.end();
  }

  [Symbol.asyncIterator]() {
    const queue = this.#first ?? this.#addQueue();
    this.#first = undefined;
    return {
      next: () => queue.next(),
      return: () => {
        this.#queues.delete(queue);
        queue.clear();
        queue.end();
        if (!this.#callback && this.#queues.size === 0) this.unsubscribe();
        return Promise.resolve({ value: undefined, done: true });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  #addQueue() {
    const queue = new MessageQueue({
      limit: this.#buffer,
      conflates: () => this.#wanted.delivery === 'latest',
      dropped: (skipped, caughtUp) => this.#emit('lag', { merged: 0, skipped, caughtUp, moreRanges: true, ranges: [], local: true }),
    });
    if (this.isEnded) queue.end();
    else this.#queues.add(queue);
    return queue;
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
    this.#owner.tell(type, detail);
  }

  // ---- for Client ----

  // Lowers the rate, or restores it. False: nothing changes by it.
  hide(isHidden, rateHz) {
    const before = JSON.stringify(this.wire);
    this.hiddenHz = isHidden ? (this.#hiddenRateHz ?? rateHz) || undefined : undefined;
    return JSON.stringify(this.wire) !== before;
  }

  // As the broker is to deliver it now.
  get wire() {
    return changeOf(this.#wanted, this.hiddenHz);
  }

  deliver(wire, resumable) {
    if (this.isEnded) return;
    if (resumable) point.add(this.#point, wire);
    const message = new Message(wire);
    for (const queue of this.#queues) queue.push(message);
    if (!this.#callback) return;
    try {
      this.#callback(message, this);
    } catch (error) {
      report(error);
    }
  }

  told(kind, detail) {
    if (kind === 'checkpoint') {
      point.checkpoint(this.#point, detail);
      this.dispatchEvent(new CustomEvent(kind, { detail }));
      return;
    }
    if (kind === 'refused') {
      const error = RingcastError.from(detail);
      this.end(error);
      this.#emit('error', error);
      return;
    }
    if (kind === 'subscribed') this.#ready.resolve(this);
    this.#emit(kind, detail);
  }

  // There will be no more messages.
  end(error) {
    if (this.isEnded) return;
    this.isEnded = true;
    for (const queue of this.#queues) queue.end(error);
    this.#ready.reject(error ?? new RingcastError('closed', 'the subscription has ended'));
    this.#emit('end', { error });
  }
}

// Promise.withResolvers(), which not every browser has.
function withResolvers() {
  const all = {};
  all.promise = new Promise((resolve, reject) => Object.assign(all, { resolve, reject }));
  return all;
}
