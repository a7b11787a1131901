// One connection for several tabs: this side is in each page, hub.js in the SharedWorker that has the connection. Loaded
// only when asked for, by both: so it imports nothing that the rest has.
//
// Both send arrays of [what, …arguments] over a port: the page an engine's commands, the worker what an engine tells its
// host. The page answers each array with `taken`, so that no more than one is on its way to a page that does not look.

export { Hub } from './hub.js';

const kAnswerMs = 5_000; // for the worker to be loaded and to say a word

// Until the worker says that it is there. Rejects if it cannot be, or is no worker of ours.
function opened(worker) {
  return new Promise((resolve, reject) => {
    setTimeout(reject, kAnswerMs);
    worker.onerror = reject;
    worker.port.onmessage = resolve;
  });
}

// Held while this page lives: the worker waits for it. Where there are no locks, the page says goodbye.
function holdLock(locks) {
  const name = `ringcast ${Math.random()}`;
  return new Promise((resolve) => {
    if (!locks) return resolve({ release: () => {} });
    return locks.request(name, () => new Promise((release) => resolve({ name, release })));
  });
}

// `make()`: the SharedWorker. Rejects where that does not work.
export async function openShared({ make, options, host, window = globalThis }) {
  const worker = make();
  await opened(worker);
  return new SharedEngine(worker.port, { options, host, window });
}

export class SharedEngine {
  #port;
  #host;
  #options;
  #window;
  #lock;
  #commands = []; // not posted yet
  #isAttached = false;
  #isClosed = false;
  #subscriptions = new Map(); // ref -> arguments of subscribe()
  #publishes = new Set(); // refs that have no answer
  #closing;

  constructor(port, { options, host, window = globalThis }) {
    this.#port = port;
    this.#host = host;
    this.#options = options;
    this.#window = window;
    port.onmessage = ({ data }) => this.#take(data);
    window.addEventListener?.('pagehide', this.#left);
    window.addEventListener?.('pageshow', this.#returned);
  }

  // ---- as Engine's ----

  async start() {
    this.#lock = await holdLock(this.#window.navigator?.locks);
    if (this.#isClosed) return;
    this.#isAttached = true;
    this.#commands.unshift(['attach', this.#options, this.#lock.name]);
    this.#post();
  }

  publish(ref, publication) {
    this.#publishes.add(ref);
    this.#send('publish', ref, publication);
  }

  subscribe(...args) {
    this.#subscriptions.set(args[0], args);
    this.#send('subscribe', ...args);
  }

  change(ref, options, changeRef) {
    const subscription = this.#subscriptions.get(ref);
    const { delivery, max_rate_hz, on_lag, ...others } = subscription?.[2] ?? {};
    if (subscription) subscription[2] = { ...others, ...options };
    this.#send('change', ref, options, changeRef);
  }

  unsubscribe(ref) {
    this.#subscriptions.delete(ref);
    this.#send('unsubscribe', ref);
  }

  hurry() {
    this.#send('hurry');
  }

  close(timeoutMs) {
    if (this.#publishes.size === 0) this.#end();
    else this.#closing ??= setTimeout(() => this.#end(), timeoutMs);
  }

  // ---- the port ----

  #send(...command) {
    if (this.#isClosed) return;
    this.#commands.push(command);
    if (this.#isAttached && this.#commands.length === 1) queueMicrotask(() => this.#post());
  }

  #post() {
    if (this.#commands.length > 0 && this.#isAttached) this.#port.postMessage(this.#commands.splice(0));
  }

  #take(events) {
    if (this.#isClosed) return;
    for (const [what, ...args] of events) this.#told(what, args);
    this.#send('taken');
    if (this.#closing !== undefined && this.#publishes.size === 0) this.#end();
  }

  #told(what, args) {
    if (what === 'token') return void this.#askToken(...args);
    if (what === 'answered') this.#publishes.delete(args[0]);
    if (what === 'told' && args[1] === 'refused') this.#subscriptions.delete(args[0]);
    if (what === 'state' && args[0].state === 'closed') this.#leave();
    return this.#host[what]?.(...args);
  }

  async #askToken(ask, reason) {
    try {
      this.#send('token', ask, await this.#host.token(reason));
    } catch (error) {
      this.#send('token', ask, undefined, error.message);
    }
  }

  // ---- the end ----

  #leave() {
    this.#isAttached = false;
    this.#isClosed = true;
    clearTimeout(this.#closing);
    this.#lock?.release();
    this.#window.removeEventListener?.('pagehide', this.#left);
    this.#window.removeEventListener?.('pageshow', this.#returned);
    this.#port.close();
  }

  #end() {
    if (this.#isClosed) return;
    this.#send('bye');
    this.#post();
    this.#leave();
    this.#doubt('the client was closed');
    this.#host.state({ state: 'closed' });
  }

  #doubt(why) {
    for (const ref of this.#publishes) {
      this.#host.answered(ref, undefined, { code: 'unknown', message: `it is not known whether it was published: ${why}` });
    }
    this.#publishes.clear();
  }

  // The page may be kept, and be shown again; meanwhile it hears nothing.
  #left = () => {
    if (!this.#isAttached) return;
    this.#send('bye');
    this.#post();
    this.#isAttached = false;
  };

  #returned = () => {
    if (this.#isAttached || this.#isClosed) return;
    this.#doubt('the page was left');
    this.#commands = [...this.#subscriptions.values()].map((args) => ['subscribe', ...args]);
    this.#commands.unshift(['attach', this.#options, this.#lock?.name]);
    this.#isAttached = true;
    this.#post();
    for (const ref of this.#subscriptions.keys()) this.#host.told(ref, 'gap', { epoch: '', lastEpoch: '', lastSeq: 0, lastTimeUs: 0 });
  };
}
