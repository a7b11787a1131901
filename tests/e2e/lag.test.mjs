// Subscribers of EVERY that fall behind, on 4 shards and both backends: what each policy does to them, that they are told
// exactly what they missed, and that nobody else notices.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, it } from 'node:test';
import { Broker, kPatient, onEachBackend } from './broker.mjs';
import { Client, closeAll } from './client.mjs';
import { Program } from './program.mjs';
import { Peer, opcode, resetPeers, text } from './wire.mjs';

const kMiB = 1024 * 1024;
const kPayloadBytes = 8 * 1024;
const kMessages = 800; // of each topic: 6 MiB, more than sockets and outboxes hold
const kTopics = ['lag/a', 'lag/b', 'lag/c'];
const kInFlight = 16; // of each topic: published and not yet heard by who reads
// What waits is too much before it is too old, however slow the machine is.
const kArgs = ['--max-outbox', '512KiB', '--max-message', '64KiB', '--max-lag-age', '1h', ...kPatient.reading];

const times = (count, make) => Promise.all(Array.from({ length: count }, (_, i) => make(i)));

// A subscriber on a raw socket, which can stop reading; keeps account of what it got and what it was told.
class Subscriber {
  seqs = new Map(kTopics.map((topic) => [topic, []]));
  missing = new Map(kTopics.map((topic) => [topic, new Set()]));
  lags = [];
  more = false;
  newest = new Map(); // topic -> number in the payload

  static async open(broker, onLag, filter = 'lag/#') {
    const subscriber = new Subscriber();
    subscriber.peer = await Peer.open(broker, '/ws', { fields: { 'Sec-WebSocket-Protocol': 'ringcast.v1.json' } });
    subscriber.peer.write(text(JSON.stringify({ subscribe: { id: 1, filter, on_lag: onLag } })));
    const { payload } = await subscriber.peer.message();
    assert.deepEqual(JSON.parse(payload), { subscribed: { id: 1, filter } });
    return subscriber;
  }

  pause() {
    this.peer.socket.pause();
  }

  resume() {
    this.peer.socket.resume();
  }

  // Reads until `done` says so, or the close frame: its code.
  async read(done) {
    while (!done()) {
      const { code, payload } = await this.peer.message();
      if (code === opcode.close) return payload.readUInt16BE(0);
      if (code === opcode.text) this.#take(JSON.parse(payload));
    }
    return undefined;
  }

  #take({ message, lag }) {
    if (lag) return this.#takeLag(lag);
    const seqs = this.seqs.get(message.topic);
    assert.ok(seqs.length === 0 || seqs.at(-1) < message.seq, 'seqs rise');
    assert.ok(!this.missing.get(message.topic).has(message.seq), 'nothing comes that was told to be missing');
    seqs.push(message.seq);
    this.newest.set(message.topic, parseInt(message.text, 10));
  }

  #takeLag(lag) {
    this.lags.push(lag);
    this.more ||= lag.more_ranges === true;
    for (const { topic, first_seq: first, last_seq: last } of lag.ranges ?? []) {
      for (let seq = first; seq <= last; ++seq) this.missing.get(topic).add(seq);
    }
  }

  has(topic, seq) {
    return this.seqs.get(topic).at(-1) === seq;
  }

  // The topic's last message was skipped, too: what was kept is the newest of all topics together, and one may end early.
  misses(topic, seq) {
    return this.missing.get(topic).has(seq);
  }

  // It may have caught up and fallen behind again before, while the kernel still took bytes.
  caughtUpAt(seq) {
    return this.lags.at(-1)?.caught_up && kTopics.every((topic) => this.has(topic, seq) || this.misses(topic, seq));
  }

  sum(what) {
    return this.lags.reduce((sum, lag) => sum + (lag[what] ?? 0), 0);
  }

  // Each message was either received, merged or skipped, and what ranges name was not received.
  check(published) {
    let received = 0;
    for (const topic of kTopics) {
      const seqs = this.seqs.get(topic);
      received += seqs.length;
      assert.ok(seqs.at(-1) === published || this.misses(topic, published), `the last of ${topic}, or that it was skipped`);
    }
    assert.equal(received + this.sum('merged') + this.sum('skipped'), published * kTopics.length);
    return received;
  }
}

// Publishes `count` messages to each topic, in turn, as fast as `healthy` reads them.
async function publishAll(broker, count, healthy, heard, inFlight = kInFlight) {
  const publishers = await Promise.all(kTopics.map((topic) => Client.open(broker.topic(topic, 'mode=pub'))));
  const before = heard();
  for (let i = 0; i < count; ++i) {
    for (const publisher of publishers) publisher.send(`${i} `.padEnd(kPayloadBytes, 'x'));
    await healthy.until(() => heard() - before > (i - inFlight) * kTopics.length, () => `message ${i}`);
  }
  await healthy.until(() => heard() - before === count * kTopics.length, () => `all messages; there were ${heard() - before}`);
  await Promise.all(publishers.map((publisher) => publisher.close(1000)));
}

onEachBackend('subscribers that fall behind', (io) => {
  afterEach(closeAll);
  afterEach(resetPeers);

  it('are 100 that stall, each handled as it asked, and those that read miss nothing', async (t) => {
    const broker = await Broker.of(t, { io, args: kArgs });
    let heard = 0;
    const healthy = await Client.open(broker.topic('lag/#'), { onMessage: () => ++heard });
    const degrading = await times(30, (i) => Subscriber.open(broker, i % 2 ? 'degrade' : undefined));
    const skipping = await times(30, () => Subscriber.open(broker, 'skip'));
    const closing = await times(20, () => Subscriber.open(broker, 'close'));
    const raw = await times(20, () => Peer.open(broker, 'lag/#'));
    const before = broker.usage();
    for (const subscriber of [...degrading, ...skipping, ...closing]) subscriber.pause();
    for (const peer of raw) peer.socket.pause();
    await publishAll(broker, kMessages, healthy, () => heard);
    const grown = broker.usage().peak_bytes - before.rss_bytes;
    assert.ok(!broker.measurable || grown < 64 * kMiB, `memory grew by ${Math.round(grown / kMiB)} MiB`);

    for (const subscriber of degrading) {
      subscriber.resume();
      await subscriber.read(() => subscriber.caughtUpAt(kMessages));
      const received = subscriber.check(kMessages);
      assert.ok(subscriber.sum('merged') > 0 && subscriber.sum('skipped') === 0);
      assert.deepEqual(kTopics.map((topic) => subscriber.newest.get(topic)), kTopics.map(() => kMessages - 1));
      const named = kTopics.reduce((sum, topic) => sum + subscriber.missing.get(topic).size, 0);
      assert.equal(received + named, kMessages * kTopics.length, 'ranges name what is missing');
    }
    for (const subscriber of skipping) {
      subscriber.resume();
      await subscriber.read(() => subscriber.caughtUpAt(kMessages));
      const received = subscriber.check(kMessages);
      assert.ok(subscriber.sum('skipped') > 0 && subscriber.sum('merged') === 0);
      if (!subscriber.more) {
        const named = kTopics.reduce((sum, topic) => sum + subscriber.missing.get(topic).size, 0);
        assert.equal(received + named, kMessages * kTopics.length);
      }
    }
    for (const subscriber of closing) {
      subscriber.resume();
      assert.equal(await subscriber.read(() => false), 4008);
      for (const topic of kTopics) {
        const seqs = subscriber.seqs.get(topic);
        assert.deepEqual(seqs, Array.from({ length: seqs.length }, (_, i) => i + 1), 'a beginning without a hole');
      }
    }
    for (const peer of raw) {
      peer.socket.resume();
      assert.equal((await peer.closeFrame()).code, 4008);
    }
    // And it goes on: every message again.
    await publishAll(broker, 5, healthy, () => heard);
    for (const subscriber of [...degrading, ...skipping]) {
      await subscriber.read(() => kTopics.every((topic) => subscriber.has(topic, kMessages + 5)));
      subscriber.check(kMessages + 5);
    }
  });

  it('by age are told too: what waits longer than --max-lag-age is skipped, or the end', async (t) => {
    const broker = await Broker.of(t, { io, args: ['--max-lag-age', '2s', '--max-outbox', '64MiB', ...kPatient.reading] });
    let heard = 0;
    const healthy = await Client.open(broker.topic('lag/#'), { onMessage: () => ++heard });
    const skipping = await Subscriber.open(broker, 'skip');
    const closing = await Subscriber.open(broker, 'close');
    skipping.pause();
    closing.pause();
    // 9 MiB, more than sockets hold, and below --max-outbox; of the one who reads nothing waits in the broker.
    await publishAll(broker, 400, healthy, () => heard, 1);
    await new Promise((resolve) => setTimeout(resolve, 4_500));
    skipping.resume();
    closing.resume();
    assert.equal(await closing.read(() => false), 4008);
    await skipping.read(() => skipping.lags.at(-1)?.caught_up);
    assert.ok(skipping.sum('skipped') > 0);
  });

  it('that resume first get fresh values: what is stale waited in the broker, where it was replaced', async (t) => {
    // On one shard: when the one has heard all, all waits for the other.
    const broker = await Broker.of(t, { io, shards: 1, args: kArgs });
    let heard = 0;
    const healthy = await Client.open(broker.topic('lag/#'), { onMessage: () => ++heard });
    const request = JSON.stringify({ subscribe: { id: 1, filter: 'lag/#' } });
    const reader = new Program('python3', [join(import.meta.dirname, 'slow_reader.py'), `${broker.port}`, request]);
    t.after(() => reader.kill('SIGKILL'));
    await reader.output(/ready/);
    await publishAll(broker, kMessages, healthy, () => heard);
    reader.child.stdin.write('read\n');
    await reader.output(/caught_up.*\n/);
    const events = reader.out.trim().split('\n').slice(1).map((line) => JSON.parse(line));
    const lagged = events.findIndex(({ lag }) => lag);
    const stale = events.slice(0, lagged);
    assert.ok(stale.length * kPayloadBytes < 96 * 1024, `${stale.length} stale messages: what the kernels of both held`);
    const fresh = events.slice(lagged + 1, -1);
    assert.deepEqual(fresh.map(({ message }) => [message.topic, parseInt(message.text, 10)]).sort(),
      kTopics.map((topic) => [topic, kMessages - 1]));
    assert.equal(events.at(-1).lag.caught_up, true);
    reader.child.stdin.write('end\n');
    await reader.ended();
  });

  it('above --memory-budget give way, the worst first, and publishers and those who read notice nothing', async (t) => {
    const broker = await Broker.of(t, { io, args: ['--memory-budget', '3MiB', '--max-outbox', '8MiB', '--max-lag-age', '1h', ...kPatient.reading] });
    let heard = 0;
    const healthy = await Client.open(broker.topic('lag/#'), { onMessage: () => ++heard });
    const stalled = await times(24, () => Subscriber.open(broker, 'degrade'));
    const raw = await times(6, () => Peer.open(broker, 'lag/a'));
    for (const subscriber of stalled) subscriber.pause();
    for (const peer of raw) peer.socket.pause();
    const before = broker.usage();
    await publishAll(broker, kMessages, healthy, () => heard);
    const grown = broker.usage().peak_bytes - before.rss_bytes;
    assert.ok(!broker.measurable || grown < 48 * kMiB, `memory grew by ${Math.round(grown / kMiB)} MiB`);
    for (const subscriber of stalled) {
      subscriber.resume();
      await subscriber.read(() => subscriber.caughtUpAt(kMessages));
      subscriber.check(kMessages);
      assert.ok(subscriber.sum('merged') > 0);
    }
    for (const peer of raw) {
      peer.socket.resume();
      const { code, reason } = await peer.closeFrame();
      assert.equal(code, 4008);
      assert.match(reason, /--memory-budget|--max-outbox/);
    }
  });
});
