// A storm: 2,000 hostile connections at once, of every kind there is, and a pair that nobody attacks in the middle.
//
// The pair's round trips are measured from a thread of its own, before and during. Afterwards descriptors and memory
// are back where they were, nobody is connected, and every shard serves. STORM_STRICT=1 asserts the 10 ms that an idle
// machine must show; elsewhere, see kSlackFactor. STORM_TLS=1: the storm and the pair come over TLS.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { it } from 'node:test';
import tls from 'node:tls';
import { Worker } from 'node:worker_threads';
import { deflateRawSync } from 'node:zlib';
import { Broker, kShards, onEachBackend } from './broker.mjs';
import { Certificates } from './certificates.mjs';
import { Client } from './client.mjs';
import { eventually, within } from './program.mjs';
import { Peer, binaryFrame, frame, handshake, opcode, text } from './wire.mjs';

const kMiB = 1024 * 1024;
const kOverTls = Boolean(process.env.STORM_TLS);
const kConnections = kOverTls ? 800 : 2000; // this process pays for one side of each handshake
const kStartedAtOnce = 50;
const kStartEveryMs = 20; // all are there after 0.8 s
const kWarmUpMs = 1000; // the first storm: what is kept for the next one is not a leak
const kStormMs = 3000; // from when all are there
const kLookEveryMs = 100;
const kBaselineMs = 1500;

// p99 of the pair's round trip. The storm's own 2,000 sockets, four shards and the pair share the machine: on two noisy
// cores, waiting for a core is most of what is measured. So the limit is a multiple of the baseline's p99, kept between
// two bounds, and a storm that is over it is repeated: noise passes, a shard that stalls does so again.
const kStrictMs = 10;
const kSlackFactor = 20;
const kSlackMinMs = 100;
const kSlackMaxMs = 500;
const kStormsMax = 3;

// Anonymous memory (smaps_rollup) that may remain more after the second storm than after the first: free lists and
// arenas fill differently each time. 2,000 connections that each left 4 KiB would be 8 MiB, of several thousand that
// come and go in the storm twice that and more.
const kMemorySlackBytes = 12 * kMiB;

const kOptions = [
  ['--handshake-timeout', '3s'], // for who does right, too
  ['--http-idle-timeout', '1s'],
  ['--linger-close', '400ms'],
  ['--ping-interval', '2s'],
  ['--pong-timeout', '10s'],
  ['--max-message', '256KiB'],
  ['--max-outbox', '512KiB'],
].flat();

// ---- those who do wrong: each gets a peer, and resolves when it is to be replaced by a new one ----

const kHead = handshake('storm/quiet'); // this process is not to spend its time on reading
const kFlooded = handshake('storm/flood');
const kWs = handshake('/ws', { fields: { 'Sec-WebSocket-Protocol': 'ringcast.v1.json' } });
const kDeflate = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' };
const kBomb = deflateRawSync(Buffer.alloc(64 * kMiB), { level: 9 }); // 1000:1
const kGarbage = Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 2654435761) >>> 13));
const post = (length) => `POST /topics/storm/post HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n`;

// Until the broker has ended it, or the storm is over.
const over = (peer) => new Promise((resolve) => peer.socket.once('close', resolve));

// A byte now and then, for as long as it is taken.
function dribble(peer, bytes, storm) {
  let at = 0;
  const timer = setInterval(() => at < bytes.length && peer.socket.writable && peer.write(bytes.subarray(at, (at += 1))), 150);
  storm.timers.add(timer);
  return over(peer).finally(() => clearInterval(timer));
}

const kKinds = {
  'a head that comes byte by byte': (peer, storm) => dribble(peer, Buffer.from(kHead), storm),
  'a frame that comes byte by byte': (peer, storm) => {
    peer.write(kHead);
    return dribble(peer, binaryFrame(Buffer.alloc(1000)), storm);
  },
  garbage: (peer) => over(peer.write(kGarbage)),
  'garbage in an open WebSocket': (peer) => over(peer.write(kHead).write(kGarbage)),
  'a reset in the middle of the handshake': async (peer) => {
    await peer.connected();
    peer.write(kHead.slice(0, 60));
    await new Promise((resolve) => setTimeout(resolve, 50));
    peer.reset();
  },
  'a reset of an open subscriber': async (peer) => {
    peer.write(kHead);
    await new Promise((resolve) => setTimeout(resolve, 300));
    peer.reset();
  },
  'half closed, and never closed': (peer) => {
    peer.write(kHead).write(text('x')).fin();
    return over(peer);
  },
  'a subscriber that never reads': (peer) => {
    peer.socket.pause();
    return over(peer.write(kFlooded));
  },
  'requests without end, answers never read': (peer) => {
    peer.socket.pause();
    return over(peer.write('GET /topics/storm/value HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(500)));
  },
  'lengths that are not meant': (peer) =>
    over(peer.write(kHead).write(frame(opcode.binary, 'x', { claim: 2n ** 40n }))),
  'a body without end': (peer) => over(peer.write(post(10 ** 12)).write(kGarbage)),
  'a message over the limit': (peer) => over(peer.write(kHead).write(binaryFrame(Buffer.alloc(300 * 1024)))),
  'a head over the limit': (peer) => over(peer.write(`GET / HTTP/1.1\r\nHost: localhost\r\nA: ${'a'.repeat(65536)}\r\n\r\n`)),
  'a bomb': (peer) =>
    over(peer.write(handshake('storm/bomb', { fields: kDeflate })).write(frame(opcode.binary, kBomb, { rsv: 4 }))),
  'requests that are none': (peer) =>
    over(peer.write(kWs).write(text('{"hello":{"id":1}}')).write(text('{"subscribe":{"id":'.repeat(100)))),
};

// Those who never get as far as a request: they speak to the TLS port, but no TLS, or not all of it.
const kTlsKinds = {
  'no TLS': (peer) => over(peer.write(kHead)),
  'a ClientHello that comes byte by byte': (peer, storm) => dribble(peer, storm.broker.clientHello, storm),
  'a ClientHello, and then nothing': (peer, storm) => over(peer.write(storm.broker.clientHello)),
  'garbage after the ClientHello': (peer, storm) => over(peer.write(storm.broker.clientHello).write(kGarbage)),
  'a reset in the middle of the TLS handshake': async (peer, storm) => {
    await peer.connected();
    peer.write(storm.broker.clientHello);
    await new Promise((resolve) => setTimeout(resolve, 20));
    peer.reset();
  },
};

class TlsPeer extends Peer {
  #below;

  constructor(port) {
    const below = net.connect({ port, host: '127.0.0.1', noDelay: true });
    below.on('error', () => {}); // the TLS socket says so too
    super(port, { paused: true, socket: tls.connect({ socket: below, rejectUnauthorized: false }) });
    this.#below = below;
  }

  reset() {
    this.#below.resetAndDestroy();
  }
}

class Storm {
  timers = new Set();
  connections = 0;
  #peers = new Set();
  #over = false;

  constructor(broker) {
    this.broker = broker;
    const kinds = Object.values(kKinds).map((kind) => ({ kind, begin: () => (broker.tls ? new TlsPeer(broker.tls.port) : new Peer(broker.port, { paused: true })) }));
    if (broker.tls) kinds.push(...Object.values(kTlsKinds).map((kind) => ({ kind, begin: () => new Peer(broker.tls.port, { paused: true }) })));
    this.started = this.#start(kinds);
  }

  // A part at a time: what is measured is the broker, not how long this process holds the processor to connect.
  async #start(kinds) {
    for (let i = 0; i < kConnections && !this.#over; ++i) {
      void this.#keep(kinds[i % kinds.length]);
      if (i % kStartedAtOnce === 0) await rest(kStartEveryMs);
    }
  }

  // One connection of this kind after the other.
  async #keep({ kind, begin }) {
    while (!this.#over) {
      const peer = begin();
      peer.socket.resume(); // and forgets it: thousands keep nothing
      this.#peers.add(peer);
      this.connections += 1;
      await kind(peer, this);
      peer.socket.destroy();
      this.#peers.delete(peer);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  get open() {
    return [...this.#peers].filter((peer) => peer.socket.readyState !== 'closed' && !peer.socket.connecting).length;
  }

  end() {
    this.#over = true;
    for (const timer of this.timers) clearInterval(timer);
    for (const peer of this.#peers) peer.socket.destroy();
  }
}

// ---- those who do right ----

// Round trips of a pair from a thread of its own: this one is busy with the storm.
class Pair {
  static async start(broker) {
    const pair = new Pair();
    pair.worker = new Worker(new URL('./storm_pair.mjs', import.meta.url), { workerData: broker.tls ? { url: `wss://localhost:${broker.tls.port}/topics/pair/topic`, ca: broker.tls.ca } : { url: broker.topic('pair/topic') } });
    await pair.#answer();
    return pair;
  }

  #answer() {
    const answer = new Promise((resolve, reject) => {
      this.worker.once('message', resolve);
      this.worker.once('error', reject);
    });
    return within(answer, 'an answer of the pair');
  }

  // {count, p50, p99, max} in ms, of round trips since the last call; all were heard, in order.
  async take() {
    this.worker.postMessage('take');
    const times = (await this.#answer()).sort((a, b) => a - b);
    const at = (part) => times[Math.min(times.length - 1, Math.floor(times.length * part))];
    return { count: times.length, p50: at(0.5), p99: at(0.99), max: at(1) };
  }

  stop() {
    return this.worker.terminate();
  }
}

const shown = ({ count, p50, p99, max }) =>
  `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, max ${max.toFixed(2)} ms (${count} messages)`;

const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function anonymousBytes(broker) {
  return Number(readFileSync(`/proc/${broker.pid}/smaps_rollup`, 'utf8').match(/^Anonymous:\s+(\d+) kB/m)[1]) * 1024;
}

// A storm of so long, with a topic flooded that a part of it subscribes to and does not read.
async function storm(broker, ms) {
  const flood = await Client.open(broker.topic('storm/flood', 'mode=pub'));
  const bad = new Storm(broker);
  const payload = Buffer.alloc(16 * 1024, 1);
  const timer = setInterval(() => flood.send(payload), 20);
  await bad.started;
  let open = 0; // at once, at most
  for (const end = performance.now() + ms; performance.now() < end; await rest(kLookEveryMs)) open = Math.max(open, bad.open);
  const { connections } = bad;
  clearInterval(timer);
  bad.end();
  await flood.close(1000);
  return { open, connections };
}

// Many connections, so that each shard has some: each hears what it says.
async function everyShardServes(broker) {
  const clients = await Promise.all(Array.from({ length: 16 * kShards }, (_, i) => Client.open(broker.topic(`after/${i}`))));
  for (const client of clients) client.send('here');
  for (const client of clients) assert.deepEqual(await client.has(1), ['here']);
  await Promise.all(clients.map((client) => client.close(1000)));
}

// The first thing that a TLS client says.
async function clientHello() {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const hello = new Promise((resolve) => server.once('connection', (socket) => socket.once('data', (data) => (socket.destroy(), resolve(data)))));
  tls.connect({ port: server.address().port, host: '127.0.0.1' }).on('error', () => {});
  return hello.finally(() => server.close());
}

async function start(t, io) {
  if (!kOverTls) return Broker.of(t, { io, args: kOptions });
  const files = await Certificates.make();
  t.after(() => files.remove());
  const { certificate, key } = await files.sign('server', { names: 'DNS:localhost' });
  const args = [...kOptions, '--tls-listen', '127.0.0.1:0', '--tls-cert', certificate, '--tls-key', key];
  const broker = await Broker.of(t, { io, args });
  const [, port] = broker.lines.join('\n').match(/TLS on https:\/\/127\.0\.0\.1:(\d+)\//);
  return Object.assign(broker, { tls: { port: Number(port), ca: readFileSync(files.ca, 'utf8') }, clientHello: await clientHello() });
}

onEachBackend('a storm of hostile connections', (io) => {
  it(`leaves nothing behind, and others are served meanwhile`, { timeout: 300_000 }, async (t) => {
    const broker = await start(t, io);
    const pair = await Pair.start(broker);
    t.after(() => pair.stop());
    const { descriptors } = broker.usage();
    const calm = async () => {
      await eventually(() => broker.usage().descriptors === descriptors,
        () => `descriptors back at ${descriptors}; there are ${broker.usage().descriptors}`);
      return anonymousBytes(broker);
    };

    await storm(broker, kWarmUpMs);
    const before = await calm();
    await pair.take();
    await rest(kBaselineMs);
    const baseline = await pair.take();
    t.diagnostic(`round trip before: ${shown(baseline)}`);
    const limit = process.env.STORM_STRICT
      ? kStrictMs
      : Math.min(kSlackMaxMs, Math.max(kSlackMinMs, kSlackFactor * baseline.p99));
    let during;
    for (let storms = 0; storms < kStormsMax && !(during?.p99 <= limit); ++storms) {
      const { open, connections } = await storm(broker, kStormMs);
      during = await pair.take();
      const after = await calm();
      t.diagnostic(`${connections} connections, ${open} of them open at once`);
      t.diagnostic(`round trip during: ${shown(during)}`);
      t.diagnostic(`anonymous memory: ${(before / kMiB).toFixed(1)} MiB, then ${(after / kMiB).toFixed(1)} MiB`);
      assert.ok(connections > kConnections, `only ${connections} connections were made`);
      assert.ok(open > kConnections / 2, `only ${open} connections were open`);
      if (!broker.measurable) break;
      assert.ok(after <= before + kMemorySlackBytes, `${after - before} bytes more after the storm`);
    }
    assert.ok(!broker.measurable || during.p99 <= limit, `p99 of ${during.p99} ms, over ${limit} ms`);
    await everyShardServes(broker);
  });
});
