// What the client's parts are tested with: a clock that is moved by hand, and a WebSocket whose broker is the test.

// Timers and the time, in milliseconds; advance() lets both go on.
export class Clock {
  #now = 0;
  #timers = new Map(); // id -> {at, then}
  #last = 0;

  // As the engine takes it.
  get env() {
    return {
      now: () => this.#now,
      setTimeout: (then, ms) => {
        this.#timers.set((this.#last += 1), { at: this.#now + ms, then });
        return this.#last;
      },
      clearTimeout: (id) => this.#timers.delete(id),
    };
  }

  // Milliseconds until the next timer; undefined: there is none.
  get next() {
    const due = [...this.#timers.values()].map(({ at }) => at - this.#now);
    return due.length ? Math.min(...due) : undefined;
  }

  async advance(ms) {
    const end = this.#now + ms;
    for (;;) {
      const [id, timer] = [...this.#timers].sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
      if (!timer || timer.at > end) break;
      this.#now = Math.max(this.#now, timer.at);
      this.#timers.delete(id);
      timer.then();
      await settled();
    }
    this.#now = end;
    await settled();
  }

  // As when a tab was frozen: timers are late.
  sleep(ms) {
    this.#now += ms;
  }
}

// Promises that are ready have run.
export const settled = () => new Promise((resolve) => setImmediate(resolve));

// A WebSocket class; `sockets` are those that were made. A test is the broker: open(), say(event), close(code).
export function fakeWebSocket() {
  const sockets = [];
  return class FakeWebSocket {
    static sockets = sockets;
    requests = []; // [name, members] that it was sent
    messages = 0;

    constructor(url, protocols) {
      Object.assign(this, { url, protocols });
      sockets.push(this);
    }

    send(text) {
      this.messages += 1;
      this.requests.push(...Object.entries(JSON.parse(text)));
    }

    // All publishes that it was sent, batches taken apart.
    get publishes() {
      return this.requests.flatMap(([name, members]) =>
        name === 'publish' ? [members] : name === 'publish_batch' ? members.messages : []);
    }

    open(welcome) {
      this.protocol = this.protocols[0];
      this.onopen();
      if (welcome) this.welcome(welcome);
    }

    welcome(members = {}) {
      this.say({ welcome: { id: 1, epoch: 'e1', producer_id: 'p1', limits: { batch_messages: 1024, message_bytes: 1 << 20 }, ...members } });
    }

    say(event) {
      this.onmessage({ data: JSON.stringify(event) });
    }

    // The client wants the end.
    close(code) {
      this.closedWith = code;
    }

    // The broker ends it, or it breaks.
    end(code, reason = '') {
      this.onclose({ code, reason });
    }
  };
}

// What an engine tells its host.
export class Host {
  log = []; // [what, …arguments]
  tokens = [];
  constructor(token = undefined) {
    for (const what of ['state', 'answered', 'message', 'told', 'changed', 'failed']) {
      this[what] = (...args) => this.log.push([what, ...args]);
    }
    this.token = async (reason) => {
      this.tokens.push(reason);
      return token;
    };
  }

  of(what) {
    return this.log.filter(([each]) => each === what).map(([, ...args]) => args);
  }

  get states() {
    return this.of('state').map(([{ state }]) => state);
  }
}
