// A broadcast server on npm's `ws`, as most people would write it: what is published to a path goes to all who opened it.
//
//   node perf/peers/ws.mjs PORT
//
// Speaks what the broker's raw mode speaks, as far as perf/load uses it: any path is a topic, `mode=pub` publishes.

import { createRequire } from 'node:module';
import http from 'node:http';

const { WebSocketServer } = createRequire(new URL('../../web/package.json', import.meta.url))('ws');

const topics = new Map(); // path -> its subscribers
const server = http.createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });

sockets.on('connection', (socket, request) => {
  const [path, query = ''] = request.url.split('?');
  if (!topics.has(path)) topics.set(path, new Set());
  const subscribers = topics.get(path);
  if (query.includes('mode=pub')) {
    socket.on('message', (data, binary) => {
      for (const subscriber of subscribers) subscriber.send(data, { binary });
    });
    return;
  }
  subscribers.add(socket);
  socket.on('close', () => subscribers.delete(socket));
});
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });
