// Publishing by the full protocol: acks, batches, credit and producers, in both forms, on 4 shards and both backends.

import assert from 'node:assert/strict';
import { after, afterEach, before, it } from 'node:test';
import { Broker, onEachBackend } from './broker.mjs';
import { closeAll } from './client.mjs';
import { onEachForm, publishOf, text } from './protocol/client.mjs';

const kHex32 = /^[0-9a-f]{32}$/;

const count = (length, make) => Array.from({ length }, (_, i) => make(i));

onEachBackend('publishing by the full protocol', (io) => {
  let broker;
  before(async () => (broker = await Broker.start({ io })));
  afterEach(closeAll);
  after(() => broker.stop());

  onEachForm(() => broker, (form, open) => {
    it('acknowledges each publish once, by its id', async () => {
      const client = await open();
      const acks = await Promise.all(count(300, (i) => client.publish(`${form}/acks/${i % 7}`, `${i}`)));
      const named = client.events.filter(([name]) => name === 'ack').map(([, { id }]) => id);
      assert.deepEqual([...named].sort((a, b) => a - b), acks.map(({ id }) => id));
      for (let t = 0; t < 7; ++t) {
        const seqs = acks.filter((_, i) => i % 7 === t).map(({ seq }) => seq);
        assert.deepEqual(seqs, seqs.map((_, i) => seqs[0] + i));
      }
      client.send({ publish: publishOf(`${form}/acks/0`, 'unanswered') });
      const last = await client.publish(`${form}/acks/0`, 'answered');
      assert.equal(client.events.filter(([name]) => name === 'ack').length, 301);
      assert.equal(last.duplicate, undefined);
    });

    it('acknowledges cumulatively where that was agreed, errors first', async () => {
      const client = await open();
      await client.hello({ features: ['cumulative_acks'] });
      const first = client.nextId();
      for (let i = 0; i < 500; ++i) {
        const topic = i === 123 ? `${form}/+` : `${form}/cumulative/${i % 9}`;
        client.send({ publish: { id: i === 0 ? first : client.nextId(), ...publishOf(topic, `${i}`) } });
      }
      await client.event('ack', ({ up_to }) => up_to === first + 499);
      const acks = client.events.filter(([name]) => name === 'ack');
      assert.ok(acks.length < 500, `${acks.length} acks for 500 publishes`);
      for (const [i, [, ack]] of acks.entries()) {
        assert.deepEqual(Object.keys(ack), ['up_to']);
        assert.ok(i === 0 || ack.up_to > acks[i - 1][1].up_to, 'rising');
      }
      const refused = client.events.findIndex(([name, { id }]) => name === 'error' && id === first + 123);
      const covering = client.events.findIndex(([name, { up_to }]) => name === 'ack' && up_to >= first + 123);
      assert.ok(refused >= 0 && refused < covering, 'its error came before the ack that covers it');
    });

    it('takes batches, and answers each message of one', async () => {
      const listener = await open();
      await listener.subscribe(`${form}/batch/#`);
      const client = await open();
      const ids = count(1024, () => client.nextId());
      const answers = ids.map((id) => client.answer(id));
      client.send({ publish_batch: { messages: ids.map((id, i) => ({ id, ...publishOf(i === 500 ? 'a/#' : `${form}/batch/${i % 5}`, `${i}`) })) } });
      const settled = await Promise.allSettled(answers);
      assert.deepEqual(settled.flatMap(({ status }, i) => (status === 'rejected' ? [i] : [])), [500]);
      assert.equal(settled[500].reason.code, 'bad_topic');
      await listener.until(() => listener.messages.length >= 1023, () => `1,023 messages, not ${listener.messages.length}`);
      for (let t = 0; t < 5; ++t) {
        const numbers = listener.messages.filter(({ topic }) => topic.endsWith(`/${t}`)).map((message) => Number(text(message)));
        assert.deepEqual(numbers, count(1024, (i) => i).filter((i) => i % 5 === t && i !== 500));
      }
    });

    it('tells credit as rising totals, and slows who ignores it without cutting it', async () => {
      const client = await open();
      const { credit } = await client.hello({ features: ['credit'] });
      const payload = Buffer.alloc(2000, 'x');
      const acks = await Promise.all(count(6000, () => client.publish(`${form}/credit`, payload)));
      assert.equal(acks.length, 6000);
      const totals = [credit, ...client.events.filter(([name]) => name === 'credit').map(([, members]) => members)];
      for (let i = 1; i < totals.length; ++i) {
        assert.ok(totals[i].messages >= totals[i - 1].messages && totals[i].bytes >= totals[i - 1].bytes, 'never less');
      }
      await client.until(() => {
        const last = client.events.findLast(([name]) => name === 'credit')?.[1];
        return last && last.messages > 6000 && last.bytes > 6000 * payload.length;
      }, 'credit for more than was published');
    });

    it('holds publishers to rising ids, and subscriptions to ids of their own', async () => {
      const client = await open();
      await client.ask('publish', { id: 10, ...publishOf(`${form}/ids`, 'a') });
      for (const id of [10, 9, 1]) {
        await assert.rejects(client.ask('publish', { id, ...publishOf(`${form}/ids`, 'b') }), { code: 'id_not_rising', id });
      }
      await client.ask('publish', { id: 11, ...publishOf(`${form}/ids`, 'c') });
      await client.ask('subscribe', { id: 5, filter: 'x' });
      await assert.rejects(client.ask('subscribe', { id: 5, filter: 'y' }), { code: 'id_in_use', id: 5 });
      await assert.rejects(client.ask('unsubscribe', { id: 3, subscription: 6 }), { code: 'unknown_subscription', id: 3 });
      await client.ask('unsubscribe', { id: 4, subscription: 5 });
      await client.ask('subscribe', { id: 5, filter: 'y' });
    });

    it('recognises a producer that comes back, and publishes nothing of it twice', async () => {
      const topics = count(9, (i) => `${form}/producer/${i}`);
      const listener = await open();
      await listener.subscribe(`${form}/producer/#`);
      const publishAs = (client, number) => client.publish(topics[number % 9], `${number}`, { producer_seq: number });
      const first = await open();
      const { producer_id, epoch } = await first.hello();
      for (const { duplicate } of await Promise.all(count(20, (i) => publishAs(first, i + 1)))) assert.equal(duplicate, undefined);
      assert.equal((await publishAs(first, 7)).duplicate, true, 'on the same connection');
      first.client.ws.terminate();

      const again = await open();
      const welcome = await again.hello({ producer_id });
      assert.deepEqual([welcome.producer_id, welcome.producer_resumed, welcome.epoch], [producer_id, true, epoch]);
      const acks = await Promise.all(count(20, (i) => publishAs(again, i + 11)));
      assert.deepEqual(acks.map(({ duplicate }) => duplicate === true), count(20, (i) => i < 10));
      for (const topic of topics) await again.publish(topic, 'end');
      const ended = () => listener.messages.filter((message) => text(message) === 'end').length;
      await listener.until(() => ended() === topics.length, () => `the end of each topic; there were ${ended()}`); // each has an order of its own
      const numbers = listener.messages.map((message) => Number(text(message))).filter((number) => number > 0);
      assert.deepEqual(numbers.sort((a, b) => a - b), count(30, (i) => i + 1));

      await publishAs(again, 9 * 300);
      await assert.rejects(publishAs(again, 9 * 150), { code: 'too_old' });
    });

    it('gives a foreign producer id another, and does not resume it', async () => {
      for (const producer_id of ['0'.repeat(32), 'f'.repeat(32), 'nobody']) {
        const welcome = await (await open()).hello({ producer_id });
        assert.match(welcome.producer_id, kHex32);
        assert.notEqual(welcome.producer_id, producer_id);
        assert.equal(welcome.producer_resumed, undefined);
      }
    });

    it('fences the older of two connections with one producer id', async () => {
      const listener = await open();
      await listener.subscribe(`${form}/fence/#`);
      const old = await open();
      const { producer_id } = await old.hello();
      await old.publish(`${form}/fence/0`, 'old', { producer_seq: 1 });
      const young = await open();
      assert.equal((await young.hello({ producer_id })).producer_resumed, true);
      await old.event('error', ({ code }) => code === 'fenced');
      assert.equal((await old.over()).code, 4409);
      await young.publish(`${form}/fence/0`, 'young', { producer_seq: 2 });
      await listener.heard((message) => text(message) === 'young');
      assert.deepEqual(listener.messages.map(text), ['old', 'young']);
    });
  });
});
