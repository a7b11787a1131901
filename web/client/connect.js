// connect(): a client of a Ringcast broker.

import { Client } from './client.js';
import { Engine } from './engine.js';
import { RingcastError } from './error.js';
import { checkNames, usage } from './subscribe_options.js';
import { socketUrl } from './address.js';
import { TokenSource } from './token_source.js';
import { watch } from './visibility.js';

const kOptions = ['token', 'protocol', 'WebSocket', 'name', 'reconnect', 'liveness', 'openTimeoutMs', 'pending', 'hiddenRateHz', 'shared', 'worker'];
const kHiddenRateHz = 1;

const environment = (WebSocket) => ({
  WebSocket,
  setTimeout: (then, ms) => setTimeout(then, ms),
  clearTimeout: (timer) => clearTimeout(timer),
  now: () => performance.now(),
  random: Math.random,
});

export function connect(url, options = {}) {
  if (url !== null && typeof url === 'object' && !(url instanceof URL)) return connect(undefined, url);
  checkNames(options, kOptions);
  const { protocol = 'json', WebSocket = globalThis.WebSocket, pending, hiddenRateHz = kHiddenRateHz } = options;
  if (!['json', 'proto'].includes(protocol)) usage(`protocol is 'json' or 'proto', not ${protocol}`);
  if (!WebSocket) throw new RingcastError('usage', 'there is no WebSocket here: give one as an option');
  const token = new TokenSource(options.token);
  const { name, reconnect, liveness, openTimeoutMs: openMs } = options;
  const engineOptions = { url: socketUrl(url), protocol, canRenewToken: token.canRenew };
  for (const [key, value] of Object.entries({ name, reconnect, liveness, openMs })) if (value !== undefined) engineOptions[key] = value;
  const client = new Client((host) => new Engine(engineOptions, host, environment(WebSocket)), { pending, hiddenRateHz, token });
  watch(client);
  return client;
}
