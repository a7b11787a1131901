// 100,000 last values to one client that reads slowly: each once, with a seam to what is published meanwhile, in bounded
// memory, and nobody else waits for it. perf/snapshot measures the last strictly.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Broker, kShards } from './broker.mjs';
import { Signal } from './program.mjs';
import { FullClient, fullUrl, publishOf } from './protocol/client.mjs';

const kTopics = 100_000;
const kBatch = 1000;
const kPauseAfter = 2500; // messages, then it reads nothing
const kPauseFor = 8; // messages of the others
const kOutboxSlackBytes = 24 * 2 ** 20; // the allocators', as in broker.mjs; a snapshot at once would take 15 MiB more
// Generous: what it measures is this process, which decodes all of it, on a busy machine. The same in what it took before.
const kLatencyMaxMs = 2000;
const kLatencyMaxFactor = 50;

async function fill(publisher) {
  await publisher.hello({ features: ['cumulative_acks'] });
  const make = (number) => ({ id: publisher.nextId(), ...publishOf(`snap/${number % 100}/${number}`, `kept ${'x'.repeat(40)}`) });
  let last;
  for (let first = 0; first < kTopics; first += kBatch) {
    const messages = Array.from({ length: kBatch }, (_, i) => make(first + i));
    last = messages.at(-1).id;
    publisher.send({ publish_batch: { messages } });
  }
  await publisher.event('ack', ({ up_to }) => up_to === last); // each of them is kept
}

// A publisher and a subscriber, each publish waiting for the one before: how long each took.
class Others {
  heard = 0;
  times = [];
  #changed = new Signal();

  static async start(broker) {
    const others = new Others();
    others.publisher = await FullClient.open(fullUrl(broker), { form: 'proto' });
    others.listener = await FullClient.open(fullUrl(broker), { form: 'proto', onMessage: () => others.#hear() });
    await others.listener.subscribe('others/topic');
    others.#publish();
    return others;
  }

  #publish() {
    this.begun = performance.now();
    this.publisher.send({ publish: publishOf('others/topic', 'x') });
  }

  #hear() {
    this.times.push(performance.now() - this.begun);
    this.heard += 1;
    setImmediate(() => this.#publish());
    this.#changed.wake();
  }

  // Until they have had so many more.
  more(count) {
    const wanted = this.heard + count;
    return this.#changed.until(() => this.heard >= wanted, 'the others');
  }

  // The 99th percentile of what was measured since the last call, in ms.
  p99() {
    const times = this.times.splice(0).sort((a, b) => a - b);
    return times[Math.floor(times.length * 0.99)];
  }
}

for (const form of ['json', 'proto']) {
  it(`100,000 last values reach a slow reader once each, while others go on, ${form}`, async (t) => {
    const broker = await Broker.of(t);
    const publisher = await FullClient.open(fullUrl(broker), { form: 'proto' });
    await fill(publisher);
    const others = await Others.start(broker);
    await others.more(300);
    const before = others.p99();
    const usage = broker.usage();

    const seen = new Map(); // topic -> the last seq of it
    let kept = 0;
    let live = 0;
    let pauses = 0;
    const slow = await FullClient.open(fullUrl(broker), { form, onMessage: (message) => {
      const last = seen.get(message.topic);
      if (message.mark) assert.equal(last, undefined, `${message.topic} twice`);
      else if (last !== undefined) assert.equal(message.seq, last + 1, `${message.topic}: no gap, no double`);
      seen.set(message.topic, message.seq);
      if (message.mark) kept += 1;
      else live += 1;
      if ((kept + live) % kPauseAfter === 0) pause();
    } });
    function pause() {
      slow.client.ws.pause();
      pauses += 1;
      // Meanwhile topics change that were sent already, and ones that were not.
      for (let i = 0; i < 5; ++i) publisher.send({ publish: publishOf(`snap/${(pauses * 7 + i) % 100}/${(pauses * 1907 + i * 20_011) % kTopics}`, 'live') });
      others.more(kPauseFor).then(() => slow.client.ws.resume());
    }
    await slow.subscribe('snap/#', { start: 'last_values' });
    await slow.event('snapshot_end');
    const during = others.p99();
    const grown = broker.usage().rss_bytes - usage.rss_bytes;
    console.log(`${form}: ${kept} kept and ${live} live messages in ${pauses} pauses; others' p99 ${before.toFixed(2)} ms before, ` +
      `${during.toFixed(2)} ms meanwhile; memory ${(grown / 2 ** 20).toFixed(1)} MiB more`);

    publisher.send({ publish: publishOf('snap/end', 'end') });
    await slow.until(() => seen.has('snap/end'), 'the end');
    for (let i = 0; i < kTopics; ++i) assert.ok(seen.has(`snap/${i % 100}/${i}`), `snap/${i % 100}/${i} is missing`);
    assert.ok(pauses >= kTopics / kPauseAfter - 1);
    assert.ok(during < Math.max(kLatencyMaxMs, kLatencyMaxFactor * before), `${during} ms, ${before} ms before`);
    if (broker.measurable) assert.ok(grown < kOutboxSlackBytes, `${grown} bytes on ${kShards} shards`);
    await Promise.all([slow, others.publisher, others.listener, publisher].map((client) => client.close()));
  });
}
