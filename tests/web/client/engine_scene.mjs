// An engine with a broker that the test plays.

import { Engine } from '../../../web/client/engine.js';
import { Clock, Host, fakeWebSocket, settled } from './fakes.mjs';

// An engine whose delays are half of what they could be.
export async function start({ token, ...options } = {}) {
  const clock = new Clock();
  const host = new Host(token);
  const WebSocket = fakeWebSocket();
  const env = { ...clock.env, WebSocket, random: () => 0.5 };
  const engine = new Engine({ url: 'ws://h/ws', ...options }, host, env);
  engine.start();
  await settled();
  return { clock, host, engine, sockets: WebSocket.sockets, get socket() { return WebSocket.sockets.at(-1); } };
}

export async function connected(options, welcome) {
  const scene = await start(options);
  scene.socket.open(welcome ?? {});
  return scene;
}

export const publication = (text, more = {}) => ({ topic: 't', op: 'set', format: 'text', payload: text, bytes: text.length, alone: false, ...more });
export const kUnit = { reconnect: { minMs: 100, firstMs: 1000, maxMs: 4000 } };
