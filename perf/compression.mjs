// perf/compression's work. Subscribers are sockets that count bytes; two of them inflate and compare every message.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { cpuNs, keep } from './broker.mjs';
import { median } from './figures.mjs';
import { settings, sleep } from './show.mjs';
import { Socket } from './socket.mjs';

const WebSocket = createRequire(new URL('../web/package.json', import.meta.url))('ws');

const { build, rounds, seconds, subscribers } = settings('perf/compression: what does compression cost and save?', {
  rounds: [3, 1, 'rounds of turns'],
  seconds: [2, 1, 'measured in each turn'],
  subscribers: [1000, 50, 'of one topic'],
});

const kRateHz = 20;
const kPayloadBytes = 1024;

// JSON as a market feed sends it; never twice the same.
function payload(number) {
  const levels = [];
  for (let i = number * 40 + 1, size = 0; size < kPayloadBytes; i = (i * 48_271) % 2_147_483_647) {
    const level = `{"price":${(i % 100_000) / 100},"size":${i % 1000},"venue":"${['XNAS', 'ARCX', 'BATS', 'EDGX'][i % 4]}"}`;
    levels.push(level);
    size += level.length + 1;
  }
  return `{"symbol":"AAPL","seq":${number},"levels":[${levels.join(',')}`.slice(0, kPayloadBytes);
}

let port = 18_700;

const servers = {
  plain: { deflate: false, words: (at) => ['ringcast', 'serve', '--shards', '1', '--listen', at, '--admin', '127.0.0.1:0', '--log-level', 'warning'] },
  shared: { deflate: true, words: (at) => servers.plain.words(at) },
  each: { deflate: true, words: () => ['floor', '--port', `${port}`, '--deflate'] },
};

async function connected(url, options) {
  for (let tries = 0; ; ++tries) {
    const ws = new WebSocket(url, options);
    const open = await new Promise((resolve) => {
      ws.on('open', () => resolve(true));
      ws.on('error', () => resolve(false));
    });
    if (open) return ws;
    if (tries === 100) throw new Error(`${url} cannot be opened`);
    await sleep(50);
  }
}

async function run(name) {
  port += 1;
  const { deflate, words } = servers[name];
  const [program, ...args] = words(`127.0.0.1:${port}`);
  const server = keep(spawn('taskset', ['-c', '0', `${build}/${program}`, ...args], { stdio: 'ignore' }));
  const url = `ws://127.0.0.1:${port}/topics/bench/0`;
  const publisher = await connected(`${url}?mode=pub`, { perMessageDeflate: false });
  const heard = [[], []];
  const checked = [];
  for (const inbox of heard) {
    const ws = await connected(url, { perMessageDeflate: deflate });
    assert.equal(ws.extensions !== '', deflate);
    ws.on('message', (data) => inbox.push(data.toString()));
    checked.push(ws);
  }
  const sockets = [];
  const offer = deflate ? 'permessage-deflate' : undefined;
  while (sockets.length < subscribers) sockets.push(await Socket.open(port, '/topics/bench/0', { offer }));
  const bytes = () => sockets.reduce((sum, socket) => sum + socket.bytes, 0);
  await sleep(300);

  const sent = [];
  const publish = async (count) => {
    for (let i = 0; i < count; ++i) {
      sent.push(payload(sent.length));
      publisher.send(sent.at(-1));
      await sleep(1000 / kRateHz);
    }
    await sleep(300);
  };
  await publish(kRateHz / 2); // warm
  const bytesBefore = bytes();
  const before = cpuNs(server.pid);
  const messages = Math.round(seconds * kRateHz);
  await publish(messages);
  const cpu = cpuNs(server.pid) - before;
  const received = bytes() - bytesBefore;
  for (const inbox of heard) assert.deepEqual(inbox, sent, `${name}: what was heard is what was sent`);
  for (const socket of sockets) socket.cut();
  for (const ws of [publisher, ...checked]) ws.terminate();
  server.kill();
  await new Promise((resolve) => server.on('exit', resolve));
  const deliveries = messages * subscribers;
  return { cpuUs: cpu / 1000 / (deliveries + messages * heard.length), bytes: received / deliveries };
}

const results = { plain: [], shared: [], each: [] };
for (let round = 0; round < rounds; ++round) {
  const order = Object.keys(results);
  for (const name of round % 2 ? order.reverse() : order) results[name].push(await run(name));
}

console.log(`1 topic, ${subscribers} subscribers, JSON of ${kPayloadBytes} bytes, ${kRateHz} messages/s; ${rounds} rounds of ${seconds} s`);
console.log('                                     CPU us/delivery  of plain   bytes/delivery  of plain');
const titles = { plain: 'uncompressed', shared: 'compressed once, shared by all', each: 'compressed for each (perf/floor)' };
for (const [name, title] of Object.entries(titles)) {
  const of = (key) => median(results[name].map((result, i) => result[key] / results.plain[i][key]));
  const value = (key) => median(results[name].map((result) => result[key]));
  console.log(`${title.padEnd(36)} ${value('cpuUs').toFixed(2).padStart(15)} ${of('cpuUs').toFixed(2).padStart(9)} `
    + `${value('bytes').toFixed(0).padStart(16)} ${of('bytes').toFixed(2).padStart(9)}`);
}
const shared = median(results.each.map((result, i) => result.cpuUs / results.shared[i].cpuUs));
console.log(`for each / once: ${shared.toFixed(1)} times the CPU`);
