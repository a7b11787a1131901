// The pair of storm.test.mjs, in a worker: every few milliseconds a message from a publisher to a subscriber. Asked, it
// answers with the round trips in ms since it was asked last; a message lost, doubled or out of order is an error.

import { createRequire } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';

const WebSocket = createRequire(new URL('../../web/package.json', import.meta.url))('ws');

const kEveryMs = 5;

const open = (url) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { perMessageDeflate: false, ca: workerData.ca });
    socket.once('open', () => resolve(socket));
    socket.on('error', reject);
    socket.on('close', (code) => {
      throw new Error(`the pair was closed with ${code}`);
    });
  });

let times = [];
let sent = 0;
let heard = 0;
let asked = false;

const subscriber = await open(workerData.url);
const publisher = await open(workerData.url + '?mode=pub');

function answer() {
  if (!asked || heard < sent) return;
  asked = false;
  parentPort.postMessage(times);
  times = [];
}

subscriber.on('message', (data) => {
  const [number, at] = data.toString().split(' ');
  heard += 1;
  if (Number(number) !== heard) throw new Error(`the pair heard ${number} where ${heard} was due`);
  times.push(performance.now() - Number(at));
  answer();
});
setInterval(() => {
  if (asked) return; // what was sent so far is to be heard first
  sent += 1;
  publisher.send(`${sent} ${performance.now()}`);
}, kEveryMs);
parentPort.on('message', () => {
  asked = true;
  answer();
});
parentPort.postMessage('ready');
