// Order and completeness across shards: every subscriber gets every message of its topics once, and all agree on the order.
//
// RINGCAST_BINARY: the broker (default build/release/ringcast). RINGCAST_ORDER_ROUNDS: messages of each publisher to each
// topic; the default makes a million deliveries, a sanitized broker takes fewer.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

const WebSocket = createRequire(new URL('../../web/package.json', import.meta.url))('ws');
const binary = process.env.RINGCAST_BINARY ?? new URL('../../build/release/ringcast', import.meta.url).pathname;
const rounds = Number(process.env.RINGCAST_ORDER_ROUNDS ?? 90);
const publishers = 8;
const topics = Array.from({ length: 16 }, (_, i) => `order/t${i}`);
const deadlineMs = 300_000;

// The broker refuses RINGCAST_ names that it does not know, and ours are the test's.
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('RINGCAST_')));

async function startBroker(io) {
  // However slow the machine is, nobody is cut for reading slowly what is being sent.
  const patience = ['--max-lag-age', '1h', '--ping-interval', '1h'];
  const process_ = spawn(binary, ['serve', '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--shards', '4', '--io', io, ...patience], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  for await (const line of createInterface({ input: process_.stderr })) {
    const ready = line.match(/ready on http:\/\/([^/]+)\//);
    if (ready) return { process: process_, host: ready[1] };
  }
  throw new Error('the broker ended before it was ready');
}

async function open(url) {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, 'open');
  return socket;
}

// 120 exact subscribers spread over the topics, 40 of `order/+` and 40 of `#`.
function filters() {
  const exact = Array.from({ length: 120 }, (_, i) => topics[i % topics.length]);
  return [...exact, ...Array(40).fill('order/+'), ...Array(40).fill('%23')];
}

// Counts what a subscriber gets: per topic the order in which it came, as text "publisher:number".
class Ledger {
  constructor(filter) {
    const wildcard = filter.includes('+') || filter.includes('%23');
    this.order = new Map((wildcard ? topics : [filter]).map((topic) => [topic, []]));
    this.missing = this.order.size * publishers * rounds;
    this.complete = new Promise((resolve) => { this.resolve = resolve; });
  }

  take(text) {
    const [topic, publisher, number] = text.split(' ');
    this.order.get(topic).push(`${publisher}:${number}`);
    if (--this.missing === 0) this.resolve();
  }
}

function checkPublisherOrder(order) {
  const next = new Map();
  for (const entry of order) {
    const [publisher, number] = entry.split(':');
    assert.equal(Number(number), next.get(publisher) ?? 0, 'a publisher\'s messages come in its order, each once');
    next.set(publisher, Number(number) + 1);
  }
}

for (const io of ['uring', 'epoll']) {
  test(`8 publishers x 16 topics x 200 subscribers on 4 shards, ${io}: each message once, one order for all`, { timeout: deadlineMs }, async () => {
    const broker = await startBroker(io);
    try {
      const ledgers = [];
      const sockets = [];
      for (const filter of filters()) {
        const ledger = new Ledger(filter);
        const socket = await open(`ws://${broker.host}/topics/${filter}`);
        socket.on('message', (data) => ledger.take(data.toString()));
        ledgers.push(ledger);
        sockets.push(socket);
      }
      const senders = [];
      for (let publisher = 0; publisher < publishers; ++publisher) {
        senders.push(await Promise.all(topics.map((topic) => open(`ws://${broker.host}/topics/${topic}?mode=pub`))));
      }
      for (let round = 0; round < rounds; ++round) {
        for (let publisher = 0; publisher < publishers; ++publisher) {
          topics.forEach((topic, i) => senders[publisher][i].send(`${topic} ${publisher} ${round}`));
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.all(ledgers.map((ledger) => ledger.complete));
      const reference = new Map();
      let deliveries = 0;
      for (const ledger of ledgers) {
        for (const [topic, order] of ledger.order) {
          deliveries += order.length;
          const text = order.join(' ');
          if (!reference.has(topic)) {
            checkPublisherOrder(order);
            reference.set(topic, text);
          }
          assert.equal(text === reference.get(topic), true, `all subscribers see one order of ${topic}`);
        }
      }
      console.log(`${io}: ${deliveries} deliveries`);
      for (const socket of [...sockets, ...senders.flat()]) socket.terminate();
    } finally {
      broker.process.kill('SIGTERM');
      const [code] = await once(broker.process, 'exit');
      assert.equal(code, 0);
    }
  });
}
