// node sockets.mjs URL COUNT: opens so many WebSockets on a topic of that broker, says `open`, and when all are closed by the broker
// how many ended with which code: {"1012":200}.
import { createRequire } from 'node:module';

const { WebSocket } = createRequire(new URL('../../web/package.json', import.meta.url))('ws');
const [url, count] = [process.argv[2], Number(process.argv[3])];
const codes = {};
let open = 0;
let closed = 0;

for (let i = 0; i < count; ++i) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/topics/image/${i % 10}`);
  socket.on('error', () => {});  // a close follows
  socket.on('open', () => {
    if (++open === count) console.log('open');
  });
  socket.on('close', (code) => {
    codes[code] = (codes[code] ?? 0) + 1;
    if (++closed === count) console.log(JSON.stringify(codes));
  });
}
