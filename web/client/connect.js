// connect(): a client of a Ringcast broker.

import { Client } from './client.js';
import { deferredEngine } from './deferred_engine.js';
import { Engine } from './engine.js';
import { environment } from './environment.js';
import { checkNames, usage } from './subscribe_options.js';
import { socketUrl } from './address.js';
import { TokenSource } from './token_source.js';
import { watch } from './visibility.js';
import { kWorkerName } from './worker.js';

const kOptions = ['token', 'protocol', 'WebSocket', 'name', 'reconnect', 'liveness', 'openTimeoutMs', 'pending', 'hiddenRateHz', 'shared', 'worker'];
const kHiddenRateHz = 1;

// By the worker, if it can be had, else a connection of its own.
async function sharedEngine({ worker = import.meta.url, shared, options, host }) {
  try {
    const { openShared } = await import('./shared.js');
    const name = kWorkerName + JSON.stringify([options.url, options.protocol, shared]);
    return await openShared({ make: () => new SharedWorker(worker, { type: 'module', name }), options, host });
  } catch {
    return new Engine(options, host, environment());
  }
}

export function connect(url, given = {}) {
  if (url !== null && typeof url === 'object' && !(url instanceof URL)) return connect(undefined, url);
  checkNames(given, kOptions);
  const { protocol = 'json', WebSocket = globalThis.WebSocket, pending, hiddenRateHz = kHiddenRateHz, shared, worker } = given;
  if (!['json', 'proto'].includes(protocol)) usage(`protocol is 'json' or 'proto', not ${protocol}`);
  if (!WebSocket) usage('there is no WebSocket here: give one as an option');
  const token = new TokenSource(given.token);
  const { name, reconnect, liveness, openTimeoutMs } = given;
  const options = { url: socketUrl(url), protocol, canRenewToken: token.canRenew, name, reconnect, liveness, openTimeoutMs };
  const isShared = shared && globalThis.SharedWorker && !given.WebSocket;
  const makeEngine = (host) => isShared ? deferredEngine(sharedEngine({ worker, shared, options, host }))
    : new Engine(options, host, environment(WebSocket));
  const client = new Client(makeEngine, { pending, hiddenRateHz, token });
  watch(client);
  return client;
}
