// A C++ producer over the client library: a broker killed with -9 under it, and connections cut at random.

import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { Broker } from './broker.mjs';
import { Client, closeAll } from './client.mjs';
import { Program, binary } from './program.mjs';
import { Proxy, seeded } from './proxy.mjs';

const producer = process.env.RINGCAST_PRODUCER ?? join(dirname(binary), 'e2e_producer');
const kMessages = Number(process.env.RINGCAST_PRODUCER_MESSAGES ?? 100_000);
const kPatienceMs = 120_000;
const kTopic = 'numbers';
// Payload and ack of one message are some 60 bytes on the wire, both ways together.
const kBytesEach = 60;

// What the producer says of each number: Map number -> result. Fails unless each has one.
function resultsOf(program) {
  const results = new Map();
  for (const line of program.out.trimEnd().split('\n')) {
    const result = JSON.parse(line);
    assert.ok(!results.has(result.number), `two results of ${result.number}`);
    results.set(result.number, result);
  }
  assert.equal(results.size, kMessages);
  return results;
}

function assertOnce(numbers, what) {
  assert.equal(new Set(numbers).size, numbers.length, `doubled ${what}`);
}

describe('a producer of 100,000 numbered messages', () => {
  afterEach(closeAll);

  it('has each acked over kill -9 and a restart, none doubled within an epoch, and is told which may be in both', async (t) => {
    let killed;
    const first = await Broker.start();
    const proxy = await Proxy.start({
      onBytes: (total) => {
        if (killed || total < (kMessages * kBytesEach) / 3) return;
        killed = true;
        proxy.target = undefined;
        first.kill('SIGKILL');
      },
    });
    t.after(() => proxy.stop());
    proxy.target = first.port;
    const before = await Client.open(first.topic(kTopic));
    const program = new Program(producer, [proxy.url, kTopic, `${kMessages}`]);
    await first.ended(kPatienceMs);
    await before.over();
    const second = await Broker.of(t);
    const after = await Client.open(second.topic(kTopic));
    proxy.target = second.port; // from here on the producer comes back

    assert.deepEqual(await program.ended(kPatienceMs), { code: 0, signal: null }, program.lines.join('\n'));
    const results = resultsOf(program);
    const epochs = [...new Set([...results.values()].map(({ epoch }) => epoch))];
    assert.equal(epochs.length, 2, 'the broker was killed while it published');
    for (const { number, status } of results.values()) assert.equal(status, 'sequenced', `${number}`);

    const inSecond = [...results.values()].filter(({ epoch }) => epoch === epochs[1]);
    const heardFirst = before.inbox.map(Number);
    const heardSecond = (await after.has(inSecond.length)).map(Number);
    assertOnce(heardFirst, 'in the first epoch');
    assertOnce(heardSecond, 'in the second epoch');
    assert.deepEqual(heardSecond, inSecond.map(({ number }) => number).sort((a, b) => a - b));
    assert.deepEqual(heardFirst, heardFirst.map((_, i) => i + 1), 'in order, without holes');

    // What is in both epochs is told, and nothing else may be: at most a window of it.
    const told = new Set([...results.values()].filter((result) => result.maybe_twice).map(({ number }) => number));
    for (const { number, maybe_twice, epoch_changed } of results.values()) {
      assert.equal(maybe_twice, epoch_changed, `${number}: only the restart makes doubt here`);
    }
    const first_ = new Set(heardFirst);
    for (const number of heardSecond) assert.ok(!first_.has(number) || told.has(number), `${number} is in both, untold`);
    assert.ok(told.size <= 1024, `${told.size} in doubt`);
    assert.match(program.lines.join('\n'), /connected epoch=\w+ epoch_changed=1 resumed=0/);
  });

  it('has each acked, and sequenced once, over connections cut at random', async (t) => {
    const seed = Number(process.env.RINGCAST_SEED_PROXY ?? 20261121);
    t.diagnostic(`RINGCAST_SEED_PROXY=${seed}`);
    const random = seeded(seed);
    const total = kMessages * kBytesEach;
    const proxy = await Proxy.start({ budget: () => 1 + Math.floor((random() * total) / 12) });
    t.after(() => proxy.stop());
    const broker = await Broker.of(t);
    proxy.target = broker.port;
    const listener = await Client.open(broker.topic(kTopic));
    const program = new Program(producer, [proxy.url, kTopic, `${kMessages}`]);
    assert.deepEqual(await program.ended(kPatienceMs), { code: 0, signal: null }, program.lines.join('\n'));

    const heard = (await listener.has(kMessages)).map(Number);
    assert.deepEqual(heard, heard.map((_, i) => i + 1), 'each once, in order');
    const results = resultsOf(program);
    for (const { number, status, maybe_twice } of results.values()) {
      assert.ok(status === 'sequenced' || status === 'duplicate', `${number}: ${status}`);
      assert.equal(maybe_twice, false, `${number}: the broker knew this producer`);
    }
    t.diagnostic(`${proxy.cuts} cuts; ${program.lines.at(-1)}; ${[...results.values()].filter(({ status }) => status === 'duplicate').length} duplicates recognised`);
    assert.ok(proxy.cuts >= 5, `${proxy.cuts} cuts`);
  });
});
