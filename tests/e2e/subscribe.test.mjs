// Where a subscription begins: an open socket is subscribed, last=1 and what follows it have no gap and no double, and
// all subscribers on all shards hear the same in the same order.

import assert from 'node:assert/strict';
import { after, afterEach, before, it } from 'node:test';
import { Broker, onEachBackend } from './broker.mjs';
import { Client, closeAll, publish, request } from './client.mjs';
import { Signal } from './program.mjs';

// Runs body(0..count-1), `width` at a time.
async function parallel(count, width, body) {
  let next = 0;
  const worker = async () => {
    while (next < count) await body(next++);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

// Publishes 1, 2, 3, … to each of `topics` until stopped, each in its own connection, never far ahead of `witness`.
class Stream {
  static kAhead = 64; // messages of each topic on their way
  static kBurst = 8; // messages of each topic at once

  sent = 0; // of each topic
  #heard = 0; // of all topics
  #room = new Signal();
  #stopped = false;

  static async start(broker, topics, filter) {
    const stream = new Stream();
    stream.topics = topics;
    stream.producers = await Promise.all(topics.map((topic) => Client.open(broker.topic(topic, 'mode=pub'))));
    stream.witness = await Client.open(broker.topic(filter), {
      onMessage: () => {
        stream.#heard += 1;
        stream.#room.wake();
      },
    });
    stream.running = stream.#run();
    await stream.#room.until(() => stream.#heard >= topics.length, 'the first messages');
    return stream;
  }

  #publishAll() {
    this.sent += 1;
    for (const [i, producer] of this.producers.entries()) producer.send(`${this.topics[i]} ${this.sent}`);
    return this.sent;
  }

  async #run() {
    while (!this.#stopped) {
      await this.#room.until(() => this.sent - this.#heard / this.topics.length < Stream.kAhead, 'the witness');
      for (let i = 0; i < Stream.kBurst; ++i) this.#publishAll();
      await new Promise(setImmediate);
    }
  }

  // Once more for those who came when a topic had its last: all who are subscribed now hear the number that it returns.
  async stop() {
    this.#stopped = true;
    await this.running;
    return this.#publishAll();
  }
}

// Each topic's numbers in `inbox` must follow one another without a hole up to `last`.
function checkRuns(inbox, topics, last, { fromStart }) {
  const runs = new Map();
  for (const message of inbox) {
    const [topic, number] = message.split(' ');
    const before = runs.get(topic);
    if (before !== undefined) assert.equal(Number(number), before + 1, `${topic}: ${number} after ${before}`);
    runs.set(topic, Number(number));
  }
  for (const topic of topics) {
    if (fromStart) assert.ok(runs.has(topic), `${topic} had a last value`);
    if (runs.has(topic)) assert.equal(runs.get(topic), last, `${topic} up to its end`);
  }
}

onEachBackend('a subscription', (io) => {
  let broker;
  before(async () => (broker = await Broker.start({ io })));
  afterEach(closeAll);
  after(() => broker.stop());

  it('is live when onopen runs: 500 times, what is published right then arrives', async () => {
    const topics = Array.from({ length: 16 }, (_, i) => `open/${i}`);
    const producers = await Promise.all(topics.map((topic) => Client.open(broker.topic(topic, 'mode=pub'))));
    await parallel(500, 16, async (i) => {
      const filter = i % 5 === 4 ? 'open/+' : topics[i % 16];
      const listener = new Client(broker.topic(filter));
      listener.ws.on('open', () => producers[i % 16].send(`${i}`)); // in the very event
      await listener.has((inbox) => inbox.includes(`${i}`));
      await listener.close(1000);
    });
  });

  it('with last=1 begins with the last value, without it with the next', async () => {
    for (const value of ['first', 'second']) await publish(broker, 'last/value', value);
    const late = await Client.open(broker.topic('last/value', 'last=1'));
    const live = await Client.open(broker.topic('last/value'));
    const none = await Client.open(broker.topic('last/none', 'last=1'));
    assert.equal(await late.next(), 'second');
    await publish(broker, 'last/value', 'third');
    await publish(broker, 'last/none', 'its first');
    assert.equal(await late.next(), 'third');
    assert.equal(await live.next(), 'third');
    assert.equal(await none.next(), 'its first');
  });

  it('with last=1 on a filter begins with the last value of each topic, without those removed', async () => {
    const topics = Array.from({ length: 200 }, (_, i) => `many/${i % 7}/${i}`);
    await parallel(topics.length, 20, async (i) => {
      await publish(broker, topics[i], 'old');
      await publish(broker, topics[i], topics[i]);
    });
    const gone = ['many/0/gone', 'many/3/gone'];
    for (const topic of gone) {
      await publish(broker, topic, 'not to be seen');
      await request(`${broker.url}/topics/${topic}`, { method: 'DELETE' });
    }
    const joined = [];
    for (const prefix of ['many/', 'many/3/']) {
      const client = await Client.open(broker.topic(prefix === 'many/' ? 'many/#' : 'many/3/+', 'last=1'));
      const expected = topics.filter((topic) => topic.startsWith(prefix)).sort();
      const ends = expected.length + gone.filter((topic) => topic.startsWith(prefix)).length;
      await client.has(expected.length);
      joined.push({ client, expected, ends });
    }
    // Behind the end of a topic nothing older of it can come.
    const body = [...topics, ...gone].map((topic) => JSON.stringify({ topic, text: 'end' })).join('\n');
    const sent = await request(`${broker.url}/topics`, { method: 'POST', headers: { 'Content-Type': 'application/x-ndjson' }, body });
    assert.doesNotMatch(`${sent.body}`, /"error"/);
    for (const { client, expected, ends } of joined) {
      await client.has((inbox) => inbox.filter((message) => message === 'end').length === ends);
      assert.deepEqual(client.inbox.filter((message) => message !== 'end').sort(), expected);
    }
  });

  for (const [what, topics, filter] of [
    ['one topic', ['seam/exact'], 'seam/exact'],
    ['a filter over 12 topics', Array.from({ length: 12 }, (_, i) => `seam/wild/${i}`), 'seam/wild/+'],
  ]) {
    it(`made in the middle of a stream of ${what} has no gap and no double at the seam`, async () => {
      const stream = await Stream.start(broker, topics, filter);
      const joined = [];
      await parallel(60, 8, async (i) => {
        const last = i % 3 < 2;
        const client = await Client.open(broker.topic(filter, last ? 'last=1' : ''));
        joined.push({ client, last });
        await client.has(1);
      });
      const end = await stream.stop();
      const over = (inbox) => topics.every((topic) => inbox.includes(`${topic} ${end}`));
      for (const { client, last } of joined) {
        await client.has(over);
        checkRuns(client.inbox, topics, end, { fromStart: last });
      }
    });
  }

  it('hears the same order as 199 others on all shards, from 8 publishers at once', async () => {
    const topics = ['crowd/0', 'crowd/1', 'crowd/2', 'crowd/3'];
    const filters = ['crowd/+', 'crowd/#', ...topics];
    const listeners = await Promise.all(
      Array.from({ length: 200 }, (_, i) => Client.open(broker.topic(filters[i % filters.length]))),
    );
    const producers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => Client.open(broker.topic(topics[i % topics.length], 'mode=pub'))),
    );
    for (let i = 0; i < 30; ++i) {
      for (const [p, producer] of producers.entries()) producer.send(`${topics[p % 4]} ${p} ${i}`);
    }
    const ordersOf = new Map(); // by topic: what its first listener heard
    for (const [i, listener] of listeners.entries()) {
      const followed = i % filters.length < 2 ? topics : [filters[i % filters.length]];
      await listener.has(followed.length * 60);
      for (const topic of followed) {
        const order = listener.inbox.filter((message) => message.startsWith(`${topic} `));
        assert.equal(order.length, 60);
        if (!ordersOf.has(topic)) ordersOf.set(topic, order);
        assert.deepEqual(order, ordersOf.get(topic));
      }
    }
    // And each publisher's own order was kept.
    for (const [topic, order] of ordersOf) {
      for (const p of [topics.indexOf(topic), topics.indexOf(topic) + 4]) {
        const own = order.filter((message) => message.split(' ')[1] === `${p}`).map((message) => Number(message.split(' ')[2]));
        assert.deepEqual(own, Array.from({ length: 30 }, (_, i) => i));
      }
    }
  });
});
