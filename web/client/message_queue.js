// MessageQueue: messages that wait for an async iterator. Bounded: of `latest` a newer message replaces the older one of
// its topic; when it is full all the same, the oldest message is dropped, and that is told.

export const kQueueMax = 1_000; // messages, unless the program says another

export class MessageQueue {
  #messages = new Map(); // key -> message, oldest first
  #waiting = []; // {resolve, reject} of those who want the next one
  #last = 0;
  #end; // {error} once there will be no more
  #dropped = 0; // and not told yet

  // dropped(count, caughtUp): so many were dropped; `caughtUp`: and there is room again. conflates(): asked for each.
  constructor({ limit = kQueueMax, conflates, dropped }) {
    Object.assign(this, { limit, conflates, dropped });
  }

  get size() {
    return this.#messages.size;
  }

  push(message) {
    if (this.#end) return;
    const waiting = this.#waiting.shift();
    if (waiting) return void waiting.resolve({ value: message, done: false });
    // An event stands beside its topic's value, not for it.
    const key = this.conflates() ? `${message.op === 'event'} ${message.topic}` : (this.#last += 1);
    this.#messages.set(key, message);
    if (this.#messages.size <= this.limit) return;
    const [oldest] = this.#messages.keys();
    this.#messages.delete(oldest);
    this.#dropped += 1;
    if (this.#dropped === 1) this.dropped(1, false);
  }

  // As an async iterator's next().
  next() {
    const [first] = this.#messages;
    if (first) {
      this.#messages.delete(first[0]);
      this.#tell();
      return Promise.resolve({ value: first[1], done: false });
    }
    if (this.#end?.error) return Promise.reject(this.#end.error);
    if (this.#end) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #tell() {
    if (this.#dropped === 0) return;
    const count = this.#dropped - 1; // the first was told when it was
    this.#dropped = 0;
    this.dropped(count, true);
  }

  // No more will come. What waits can still be taken.
  end(error) {
    this.#end ??= { error };
    for (const { resolve, reject } of this.#waiting.splice(0)) error ? reject(error) : resolve({ value: undefined, done: true });
  }

  clear() {
    this.#messages.clear();
  }
}
