// delivery=latest: the newest value of each topic, at the subscriber's pace; raw, in the full protocol and as a stream.

import assert from 'node:assert/strict';
import { after, afterEach, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Broker, onEachBackend } from './broker.mjs';
import { Client, closeAll, publish } from './client.mjs';
import { EventStream } from './event_stream.mjs';
import { kPatienceMs } from './program.mjs';

const kJson = { protocols: ['ringcast.v1.json'] };
const kTopics = 20;

// Publishes `<topic> <number>` to each topic, again and again for `ms` and until `enough`; the number that each had last,
// which is kept by then.
async function publishFor(broker, prefix, ms, enough = () => true) {
  let heard = 0;
  const witness = await Client.open(broker.topic(`${prefix}/#`), { onMessage: () => ++heard });
  const producers = await Promise.all(Array.from({ length: kTopics }, (_, i) => Client.open(broker.topic(`${prefix}/${i}`, 'mode=pub'))));
  const end = performance.now() + ms;
  let number = 0;
  const deadline = end + kPatienceMs;
  while (performance.now() < end || !enough()) {
    assert.ok(performance.now() < deadline, 'enough has come of what was published');
    number += 1;
    for (const [i, producer] of producers.entries()) producer.send(`${i} ${number}`);
    await sleep(1);
  }
  // Its publisher's pong would say that the broker has read it, not that it is kept: who hears it knows.
  await witness.until(() => heard === number * kTopics, () => `${number * kTopics} messages; there were ${heard}`);
  await Promise.all([witness, ...producers].map((client) => client.close(1000)));
  return number;
}

// What came of each topic: [number, …].
function byTopic(texts) {
  const numbers = Array.from({ length: kTopics }, () => []);
  for (const text of texts) {
    const [topic, number] = text.split(' ').map(Number);
    numbers[topic].push(number);
  }
  return numbers;
}

// How many values of a topic a rate of 10 allows since `began`.
const ticksSince = (began) => (performance.now() - began) / 100 + 1;

const rising = (numbers) => numbers.every((number, i) => i === 0 || number > numbers[i - 1]);

onEachBackend('delivery=latest', (io) => {
  let broker;
  before(async () => (broker = await Broker.start({ io })));
  afterEach(closeAll);
  after(() => broker.stop());

  it('brings each topic at most as often as the rate says, in order, and always its last value', async () => {
    const began = performance.now();
    const paced = await Client.open(broker.topic('paced/#', 'delivery=latest&rate=10'));
    const every = await Client.open(broker.topic('paced/#'));
    const last = await publishFor(broker, 'paced', 1500, () => byTopic(paced.inbox).every((numbers) => numbers.length >= 5));
    const ended = (texts) => byTopic(texts).every((numbers) => numbers.at(-1) === last);
    await every.has(ended);
    await paced.has(ended);
    const ticks = ticksSince(began);
    for (const numbers of byTopic(paced.inbox)) {
      assert.ok(rising(numbers));
      assert.ok(numbers.length <= ticks, `${numbers.length} values in ${ticks} ticks`);
    }
    for (const numbers of byTopic(every.inbox)) assert.equal(numbers.length, last);
  });

  it('is a choice of each subscription of the full protocol, and can be changed while it lives', async () => {
    const client = await Client.open(`ws://127.0.0.1:${broker.port}/ws`, kJson);
    client.send('{"subscribe":{"id":1,"filter":"full/#","delivery":"latest","max_rate_hz":0.001}}');
    assert.deepEqual(JSON.parse(await client.next()), { subscribed: { id: 1, filter: 'full/#' } });
    let more = 20; // rounds, however few the first 300 ms had
    const last = await publishFor(broker, 'full', 300, () => --more < 0);
    client.send('{"change":{"id":5,"subscription":1,"delivery":"latest","max_rate_hz":20}}');
    const isChanged = (text) => JSON.parse(text).changed?.id === 5;
    await client.has((inbox) => inbox.some(isChanged));
    const texts = (inbox) => inbox.filter((text) => !isChanged(text)).map((text) => JSON.parse(text).message.text);
    // Once in 1,000 s, which may be now.
    for (const numbers of byTopic(texts(client.inbox.slice(0, client.inbox.findIndex(isChanged))))) assert.ok(numbers.length <= 1);
    await client.has((inbox) => byTopic(texts(inbox)).every((numbers) => numbers.at(-1) === last));
    // What was merged does not come, whatever was still on its way between shards.
    for (const numbers of byTopic(texts(client.inbox))) assert.ok(rising(numbers) && numbers.length < last);
    client.inbox.length = 0;
    client.send('{"change":{"id":6,"subscription":1}}'); // every message again
    assert.deepEqual(JSON.parse(await client.next()), { changed: { id: 6, subscription: 1 } });
    const then = await publishFor(broker, 'full', 300);
    await client.has((inbox) => byTopic(texts(inbox)).every((numbers) => numbers.at(-1) === then));
    for (const numbers of byTopic(texts(client.inbox))) assert.equal(numbers.length, then);
  });

  it('a URL of the full protocol takes it too, and begins with last values', async () => {
    const last = await publishFor(broker, 'url', 50);
    const client = await Client.open(broker.topic('url/#', 'delivery=latest&rate=50&last=1'), kJson);
    await client.has((inbox) => inbox.some((text) => text.includes('snapshot_end')));
    const values = client.inbox.map((text) => JSON.parse(text).message).filter(Boolean);
    assert.deepEqual(byTopic(values.map(({ text }) => text)), Array(kTopics).fill([last]));
  });

  // 40 MB: sockets hold a few of it. TCP_NOTSENT_LOWAT keeps the rest where it can still be replaced.
  it('who pauses sees what its socket held, and then what is fresh, nothing between', async () => {
    const last = 400;
    const client = await Client.open(broker.topic('paused/+', 'delivery=latest'));
    client.ws.pause();
    for (let number = 1; number <= last; ++number) await publish(broker, 'paused/a', `${number} ${'x'.repeat(100_000)}`);
    client.ws.resume();
    const numbers = () => client.inbox.map((text) => Number(text.split(' ')[0]));
    await client.has(() => numbers().at(-1) === last);
    const held = numbers().slice(0, -1);
    assert.ok(rising(held) && held.length > 0, held.join());
    assert.ok(last - held.at(-1) > last / 2, `${last} came after ${held.slice(-5)}`);
  });

  it('holds for event streams', async () => {
    const began = performance.now();
    const stream = await EventStream.open(broker, 'stream/#', { query: 'delivery=latest&rate=10' });
    const last = await publishFor(broker, 'stream', 500);
    const texts = [];
    while (!byTopic(texts).every((numbers) => numbers.at(-1) === last)) {
      texts.push(...(await stream.messages(1)).map((data) => JSON.parse(data).message.text));
    }
    const ticks = ticksSince(began);
    for (const numbers of byTopic(texts)) assert.ok(rising(numbers) && numbers.length <= ticks, `${numbers.length} values in ${ticks} ticks`);
    stream.close();
  });

  it('refuses by name what makes no sense', async () => {
    for (const [query, name] of [
      ['delivery=newest', 'delivery=newest'],
      ['rate=10', 'rate'],
      ['delivery=latest&rate=ten', 'rate=ten'],
      ['delivery=latest&rate=1001', 'rate=1001'],
    ]) {
      const { status, body } = await new Client(broker.topic('a', query)).refused();
      assert.equal(status, 400);
      assert.ok(JSON.parse(body).message.includes(name), `${body}`);
    }
  });
});
