// Where this very file is the script of a SharedWorker, it serves the pages that share a connection.

import { Engine } from './engine.js';
import { environment } from './environment.js';

// What the worker's name begins with; the number is that of the protocol between pages and worker.
export const kWorkerName = 'ringcast 1 ';

const Scope = globalThis.SharedWorkerGlobalScope;
if (Scope && globalThis instanceof Scope && globalThis.name.startsWith(kWorkerName)) {
  const makeEngine = (options, host) => new Engine(options, host, environment());
  const hub = import('./shared.js').then(({ Hub }) => new Hub(makeEngine, { locks: navigator.locks }));
  globalThis.addEventListener('connect', async ({ ports: [port] }) => (await hub).add(port));
}
