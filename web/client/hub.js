// Hub: in the SharedWorker: one engine for all pages that are attached, and what each of them is told.
//
// A page that does not take what it is sent (it is frozen, or too slow) has its subscriptions ended when too much waits for
// it, and resumed where they were when it takes again: what waits here is bounded, and nothing is lost unsaid.

export const kWaitingMax = 10_000; // of what a page is to be told
const kCloseMs = 5_000; // for answers to what was published by pages that are gone
const kTokenMs = 10_000; // for a page to say the token, before another is asked

export class Hub {
  #makeEngine;
  #locks;
  #engine;
  #pages = new Set();
  #owners = new Map(); // the engine's ref -> {page, ref}
  #lastRef = 0;
  #asks = new Map(); // of tokens: number -> {resolve, reject, page}

  // makeEngine(options, host) gives an engine that is started here.
  constructor(makeEngine, { locks, waitingMax = kWaitingMax } = {}) {
    this.#makeEngine = makeEngine;
    this.#locks = locks;
    this.waitingMax = waitingMax;
  }

  get pages() {
    return this.#pages.size;
  }

  // There is a page at the other end of this port.
  add(port) {
    const page = new Page(this, port);
    port.onmessage = ({ data }) => {
      for (const [what, ...args] of data) this.#command(page, what, args);
    };
    port.addEventListener?.('close', () => this.remove(page));
    page.tell('ready');
  }

  remove(page) {
    if (!this.#pages.delete(page)) return;
    for (const ref of page.subscriptions.values()) this.#engine.unsubscribe(ref);
    for (const [ref, owner] of this.#owners) if (owner.page === page) this.#owners.delete(ref);
    page.subscriptions.clear();
    for (const ask of this.#asks.values()) if (ask.page === page) ask.next();
    if (this.#pages.size > 0) return;
    this.#engine.close(kCloseMs);
    this.#engine = undefined;
  }

  #attach(page, options, lock) {
    this.#pages.add(page);
    // Got when the page is gone.
    if (lock) this.#locks?.request(lock, () => this.remove(page));
    if (this.#engine) return page.tell('state', this.#engine.stateDetail);
    const isCurrent = () => this.#engine === engine;
    const host = {
      state: (detail) => isCurrent() && this.#state(detail),
      token: (reason) => this.#askToken(reason),
      failed: (error) => isCurrent() && this.#tellAll('failed', error),
    };
    for (const what of ['message', 'told', 'answered', 'changed']) host[what] = (ref, ...args) => this.#tell(what, ref, args);
    const engine = this.#makeEngine(options, host);
    this.#engine = engine;
    return engine.start();
  }

  #state(detail) {
    this.#tellAll('state', detail);
    if (detail.state !== 'closed') return;
    this.#engine = undefined;
    this.#pages.clear();
    this.#owners.clear();
  }

  #tellAll(what, detail) {
    for (const page of this.#pages) page.tell(what, detail);
  }

  #tell(what, ref, args) {
    const owner = this.#owners.get(ref);
    if (!owner) return;
    if (what === 'answered' || what === 'changed') this.#owners.delete(ref);
    owner.page.tell(what, owner.ref, ...args);
    if (what === 'message') owner.page.bound(this.waitingMax, this.#engine);
  }

  #command(page, what, args) {
    if (what === 'attach') return this.#attach(page, ...args);
    if (what === 'taken') return page.taken(this.#engine);
    if (what === 'bye') return this.remove(page);
    if (!this.#pages.has(page)) return undefined;
    if (what === 'token') return this.#answerToken(...args);
    if (what === 'hurry') return this.#engine.hurry();
    const [ref, ...others] = args;
    const known = page.subscriptions.get(ref);
    switch (what) {
      case 'publish':
        return this.#engine.publish(this.#own(page, ref), ...others);
      case 'subscribe':
        page.subscriptions.set(ref, this.#own(page, ref));
        return this.#engine.subscribe(page.subscriptions.get(ref), ...others);
      case 'change':
        return this.#engine.change(known, others[0], this.#own(page, others[1]));
      case 'unsubscribe':
        page.subscriptions.delete(ref);
        this.#owners.delete(known);
        return this.#engine.unsubscribe(known);
      default:
        return undefined;
    }
  }

  #own(page, ref) {
    this.#owners.set((this.#lastRef += 1), { page, ref });
    return this.#lastRef;
  }

  // Each page can say who the user is: the first that answers does.
  #askToken(reason) {
    const pages = [...this.#pages];
    return new Promise((resolve, reject) => {
      const ask = (this.#lastRef += 1);
      const end = (settle) => (value) => {
        clearTimeout(entry.timer);
        this.#asks.delete(ask);
        settle(value);
      };
      const entry = { resolve: end(resolve), reject: end(reject) };
      entry.next = () => {
        clearTimeout(entry.timer);
        entry.page = pages.shift();
        if (!entry.page) return entry.reject(new Error('no page says a token'));
        entry.timer = setTimeout(entry.next, kTokenMs);
        return entry.page.tell('token', ask, reason);
      };
      this.#asks.set(ask, entry);
      entry.next();
    });
  }

  #answerToken(ask, token, error) {
    const entry = this.#asks.get(ask);
    if (error === undefined) entry?.resolve(token);
    else entry?.reject(new Error(error));
  }
}

// What waits for one page.
class Page {
  subscriptions = new Map(); // its ref -> the engine's
  #port;
  #waiting = [];
  #isSent = false; // and not taken yet
  #isPaused = false;

  constructor(hub, port) {
    this.#port = port;
  }

  tell(...event) {
    this.#waiting.push(event);
    if (!this.#isSent) this.#send();
  }

  #send() {
    // `ready` is no engine's word, and not answered.
    this.#isSent = this.#waiting[0]?.[0] !== 'ready';
    this.#port.postMessage(this.#waiting.splice(0));
  }

  bound(waitingMax, engine) {
    if (this.#isPaused || this.#waiting.length < waitingMax) return;
    this.#isPaused = true;
    for (const ref of this.subscriptions.values()) engine.pause(ref);
  }

  taken(engine) {
    this.#isSent = false;
    if (this.#waiting.length > 0) return this.#send();
    if (!this.#isPaused) return undefined;
    this.#isPaused = false;
    for (const ref of this.subscriptions.values()) engine?.proceed(ref);
    return undefined;
  }
}
