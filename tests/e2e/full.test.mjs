// The full protocol on /ws and on topics' URLs, in both forms, on 4 shards and both backends.

import assert from 'node:assert/strict';
import { after, afterEach, before, it } from 'node:test';
import { Broker, onEachBackend } from './broker.mjs';
import { Client, closeAll, publish, request } from './client.mjs';
import { Signal } from './program.mjs';
import { FullClient, forms, fullUrl, onEachForm, publishOf, text } from './protocol/client.mjs';

const kHistory = 50; // of topics below kept/
const kHex16 = /^[0-9a-f]{16}$/;
const kHex32 = /^[0-9a-f]{32}$/;

const count = (length, make) => Array.from({ length }, (_, i) => make(i));

onEachBackend('the full protocol', (io) => {
  let broker;
  before(async () => (broker = await Broker.start({ io, args: ['--history', `kept/#=${kHistory}`] })));
  afterEach(closeAll);
  after(() => broker.stop());

  onEachForm(() => broker, (form, open) => {
    it('greets who says hello, and says nothing unasked to others', async () => {
      const silent = await open();
      await silent.roundTrip();
      assert.deepEqual(silent.events, []);
      assert.equal(silent.client.ws.protocol, forms[form].subprotocol);

      const client = await open();
      const welcome = await client.hello({ client: 'test/1', features: ['cumulative_acks', 'teleport', 'credit'] });
      assert.equal(client.events.length, 1);
      assert.match(welcome.epoch, kHex16);
      assert.deepEqual([...welcome.features].sort(), ['credit', 'cumulative_acks']);
      assert.deepEqual(welcome.limits, {
        message_bytes: 2 ** 20, subscriptions: 10_000, topic_bytes: 1024, headers: 16, headers_bytes: 1024,
        batch_messages: 1024, producer_window: 1024,
      });
      assert.equal(welcome.ping_interval_ms, 25_000);
      assert.match(welcome.producer_id, kHex32);
      assert.equal(welcome.producer_resumed, undefined);
      assert.ok(welcome.credit.messages > 0 && welcome.credit.bytes > 0);
      assert.match(welcome.server, /^ringcast\/\d/);
      const post = await request(`${broker.url}/topics/${form}/epoch`, { method: 'POST', body: 'x' });
      assert.equal(JSON.parse(post.body).epoch, welcome.epoch);
    });

    it('grants only what is asked for', async () => {
      const welcome = await (await open()).hello();
      assert.equal(welcome.features, undefined);
      assert.equal(welcome.credit, undefined);
    });

    it('takes hello once, and first', async () => {
      const twice = await open();
      await twice.hello();
      await assert.rejects(twice.hello(), { code: 'hello_too_late' });
      const late = await open();
      await late.subscribe(`${form}/late`);
      await assert.rejects(late.hello(), { code: 'hello_too_late' });
      for (const client of [twice, late]) await client.publish(`${form}/late`, 'still open');
    });

    it('has the filter of the URL subscribed as subscription 0', async () => {
      await publish(broker, `${form}/url/a`, 'kept');
      const client = await open({}, broker.topic(`${form}/url/+`));
      await client.event('subscribed'); // from here on it is live, not from when it is open
      const last = await open({}, broker.topic(`${form}/url/+`, 'last=1'));
      await last.event('snapshot_end');
      assert.deepEqual(last.events.map(([name]) => name), ['subscribed', 'message', 'snapshot_end']);
      assert.equal(last.messages[0].mark, 'snapshot');
      const other = await open();
      await other.publish(`${form}/url/b`, 'live');
      await client.heard((message) => text(message) === 'live');
      await last.heard((message) => text(message) === 'live');
      assert.deepEqual(client.events[0], ['subscribed', { filter: `${form}/url/+` }]);
      assert.deepEqual(client.messages.map(text), ['live']);
      assert.equal(client.messages[0].mark, undefined);

      await client.ask('unsubscribe', { subscription: 0 });
      await client.subscribe(`${form}/sentinel`);
      await other.publish(`${form}/url/b`, 'too late');
      await other.publish(`${form}/sentinel`, 'end');
      await client.heard((message) => text(message) === 'end');
      assert.deepEqual(client.messages.map(text), ['live', 'end']);
    });

    it('sends each message once to a connection with 1,000 overlapping subscriptions', async () => {
      const base = `${form}/many`;
      const topics = count(200, (i) => `${base}/${i % 10}/${Math.floor(i / 10)}`);
      const wild = [
        '#', `${base}/#`, `${base}/+/+`, `${form}/+/+/+`, ...count(10, (i) => `${base}/${i}/+`), ...count(10, (i) => `${base}/${i}/#`),
        ...count(20, (i) => `${base}/+/${i}`),
      ];
      const quiet = count(1000 - wild.length - topics.length, (i) => `${base}/${i % 10}/quiet${i}`);
      const client = await open();
      const ids = await Promise.all([...wild, ...topics, ...quiet].map((filter) => client.subscribe(filter)));
      assert.equal(ids.length, 1000);

      const publishers = await Promise.all(count(4, () => open()));
      const rounds = 5;
      for (let round = 0; round < rounds; ++round) {
        for (const [p, publisher] of publishers.entries()) {
          for (const topic of topics) publisher.send({ publish: publishOf(topic, `${p} ${round}`) });
        }
        await publishers[0].roundTrip();
      }
      const own = () => client.messages.filter(({ topic }) => topic.startsWith(base));
      await client.until(() => own().length >= topics.length * rounds * 4, () => `all messages; there were ${own().length}`);
      const last = await publishers[0].publish(`${base}/end`, 'end');
      await client.heard(({ topic }) => topic === `${base}/end`);
      assert.ok(last.seq > 0);
      assert.equal(own().length, topics.length * rounds * 4 + 1, 'none twice');
      for (const topic of topics) {
        const messages = own().filter((message) => message.topic === topic);
        assert.deepEqual(messages.map(({ seq }) => seq), count(rounds * 4, (i) => messages[0].seq + i), topic);
        for (const p of publishers.keys()) {
          const mine = messages.map(text).filter((each) => each.startsWith(`${p} `));
          assert.deepEqual(mine, count(rounds, (i) => `${p} ${i}`), 'in the order of its publisher');
        }
      }

      // One subscription less each time changes nothing, until there is none.
      await Promise.all(ids.slice(1).map((subscription) => client.ask('unsubscribe', { subscription })));
      await publishers[0].publish(topics[0], 'one left');
      await client.heard((message) => text(message) === 'one left');
      assert.equal(own().filter((message) => text(message) === 'one left').length, 1);
      await client.ask('unsubscribe', { subscription: ids[0] });
      await client.subscribe(`${form}/sentinel`);
      await publishers[0].publish(topics[0], 'none left');
      await publishers[0].publish(`${form}/sentinel`, 'end');
      await client.heard(({ topic, payload }) => topic === `${form}/sentinel` && payload.toString() === 'end');
      assert.ok(!client.messages.some((message) => text(message) === 'none left'));
    });

    it('lets a connection hear itself, or not, as each subscription wishes', async () => {
      const topic = `${form}/echo`;
      const [deaf, plain, both, other] = await Promise.all(count(4, () => open()));
      await deaf.subscribe(topic, { echo: false });
      await plain.subscribe(topic, { echo: true });
      await both.subscribe(topic, { echo: false });
      await both.subscribe(`${form}/+`, {});
      for (const [name, client] of Object.entries({ deaf, plain, both, other })) await client.publish(topic, name);
      const all = ['deaf', 'plain', 'both', 'other'];
      for (const [client, expected] of [[deaf, all.slice(1)], [plain, all], [both, all]]) {
        await client.heard((message) => text(message) === 'other');
        assert.deepEqual(client.messages.filter((message) => message.topic === topic).map(text), expected);
      }
    });

    it('carries headers, content type, operations and every kind of payload', async () => {
      const topic = `${form}/kinds`;
      const sent = [
        { format: 'text', payload: Buffer.from('héllo "\\\u0001\u007f 🛰') },
        { format: 'json', payload: Buffer.from('{"a":[1,2.5,"x",null,true],"b":{}}'), content_type: 'application/json' },
        { payload: Buffer.from([0, 255, 128, 10, 13]), content_type: 'application/octet-stream' },
        { format: 'text', headers: { trace: '7', 'X-ünï': 'ß' } },
        { payload: Buffer.alloc(0) },
        { op: 'event', format: 'text', payload: Buffer.from('passes by') },
        { op: 'remove' },
        { format: 'text', payload: Buffer.from('x'.repeat(300_000)) },
        { payload: Buffer.from(count(70_000, (i) => i % 256)) },
      ];
      const listeners = [await open(), await FullClient.open(fullUrl(broker), { form: form === 'json' ? 'proto' : 'json' })];
      for (const listener of listeners) await listener.subscribe(topic);
      const client = await open();
      const acks = await Promise.all(sent.map((message) => client.ask('publish', { topic, ...message })));
      for (const listener of listeners) {
        await listener.until(() => listener.messages.length >= sent.length, 'all of them');
        for (const [i, message] of listener.messages.entries()) {
          const { op, format, payload, content_type, headers } = message;
          const expected = Object.fromEntries(Object.entries(sent[i]).filter(([, value]) => value.length !== 0));
          const got = Object.fromEntries(Object.entries({ op, format, payload, content_type, headers }).filter(([, value]) => value !== undefined));
          assert.deepEqual(got, expected);
          const { seq, origin, position, time_us } = message;
          const { id, ...ack } = acks[i];
          assert.deepEqual(Object.fromEntries(Object.entries({ seq, origin, position, time_us }).filter(([, value]) => value !== undefined)), ack);
        }
      }
      assert.deepEqual(acks.map(({ seq }) => seq), count(sent.length, (i) => acks[0].seq + i));
      for (const [i, { time_us }] of acks.entries()) assert.ok(time_us > 1.7e15 && (i === 0 || time_us >= acks[i - 1].time_us));
    });

    it('keeps no events, and no value that was removed', async () => {
      const client = await open();
      const begins = async (options) => {
        const id = await client.subscribe(`${form}/value`, { start: 'last_values', ...options });
        await client.event('snapshot_end', ({ subscription }) => subscription === id);
        await client.ask('unsubscribe', { subscription: id });
        return client.dispatched().get(id).map(text);
      };
      assert.deepEqual(await begins(), []);
      await client.publish(`${form}/value`, 'kept');
      await client.publish(`${form}/value`, 'event', { op: 'event' });
      assert.deepEqual(await begins(), ['kept']);
      await client.publish(`${form}/value`, undefined, { op: 'remove' });
      assert.deepEqual(await begins(), []);
    });
  });

  it('shows raw, JSON and protobuf subscribers of a topic the same messages in the same order', async () => {
    const topic = 'same/topic';
    const raw = await Client.open(broker.topic(topic));
    const full = await Promise.all(Object.keys(forms).map((form) => FullClient.open(broker.topic(topic), { form })));
    for (const client of full) await client.event('subscribed');
    const publishers = await Promise.all(Object.keys(forms).map((form) => FullClient.open(fullUrl(broker), { form })));
    const rawPublisher = await Client.open(broker.topic(topic, 'mode=pub'));
    for (let i = 0; i < 100; ++i) {
      rawPublisher.send(`raw ${i}`);
      rawPublisher.send(Buffer.from([i, 255]));
      for (const [p, publisher] of publishers.entries()) publisher.send({ publish: publishOf(topic, `${p} ${i}`) });
      if (i % 10 === 0) await publish(broker, topic, `{"post":${i}}`);
      if (i % 20 === 0) await rawPublisher.roundTrip();
    }
    const total = 100 * 4 + 10;
    const seen = (message) => (typeof message === 'string' ? message : message.toString('hex'));
    const expected = (await raw.has(total)).map(seen);
    for (const client of full) {
      await client.until(() => client.messages.length >= total, () => `${total}, not ${client.messages.length}`);
      const got = client.messages.map(({ format, payload }) => (format ? payload.toString() : payload.toString('hex')));
      assert.deepEqual(got, expected);
      assert.deepEqual(client.messages.map(({ seq }) => seq), count(total, (i) => i + 1));
    }
  });

  for (const [what, topics, filter] of [
    ['one topic', ['kept/seam/exact'], 'kept/seam/exact'],
    ['a filter over 12 topics', count(12, (i) => `kept/seam/wild/${i}`), 'kept/seam/wild/+'],
  ]) {
    it(`starts a subscription to ${what} in the middle of a stream without gap or double`, async () => {
      const stream = await Stream.start(broker, topics, filter);
      const joined = [];
      const starts = [{}, { start: 'last_values' }, { start: 'last_n', last_count: 5 }, { start: 'last_n', last_count: 1000 }];
      for (let i = 0; i < 24; ++i) {
        const client = await FullClient.open(fullUrl(broker), { form: i % 2 === 0 ? 'json' : 'proto' });
        if (i % 3 === 0) await client.subscribe('kept/seam/#'); // live already, and matches too
        const ids = await Promise.all(starts.map((options) => client.subscribe(filter, options)));
        joined.push({ client, ids });
        await stream.goOn();
      }
      const end = await stream.stop();
      for (const { client, ids } of joined) {
        await client.until(() => topics.every((topic) => client.messages.some((each) => each.topic === topic && !each.mark && text(each) === `${end}`)), 'the end of each topic');
        for (const id of ids.slice(1)) await client.event('snapshot_end', ({ subscription }) => subscription === id);
        checkSeams(client, topics, ids, starts, end);
      }
    });
  }
});

// Publishes 1, 2, 3, … to each of `topics`, never far ahead of what a witness has heard.
class Stream {
  static kAhead = 32; // messages of each topic on their way
  sent = 0; // of each topic
  #heard = 0;
  #changed = new Signal();
  #stopped = false;

  static async start(broker, topics, filter) {
    const stream = new Stream();
    stream.topics = topics;
    stream.producer = await FullClient.open(fullUrl(broker), { form: 'proto' });
    stream.witness = await FullClient.open(fullUrl(broker), { form: 'proto', onMessage: () => (stream.#heard += 1) && stream.#changed.wake() });
    await stream.witness.subscribe(filter);
    stream.#publishAll(kHistory + 10); // more than is kept
    stream.running = stream.#run();
    return stream;
  }

  #publishAll(rounds) {
    for (let i = 0; i < rounds; ++i) {
      this.sent += 1;
      for (const topic of this.topics) this.producer.send({ publish: publishOf(topic, `${this.sent}`) });
    }
  }

  async #run() {
    while (!this.#stopped) {
      await this.#changed.until(() => this.sent - this.#heard / this.topics.length < Stream.kAhead, 'the witness');
      this.#publishAll(4);
      await new Promise(setImmediate);
    }
  }

  // Until some more has been published.
  goOn() {
    const wanted = this.#heard + 8 * this.topics.length;
    return this.#changed.until(() => this.#heard >= wanted, 'the stream to go on');
  }

  // One last number for each topic, which is returned.
  async stop() {
    this.#stopped = true;
    await this.running;
    this.#publishAll(1);
    return this.sent;
  }
}

// Each subscription was given, in each topic, every message from where it began up to `end`, once and in order. Only
// where history overtook what it began with, and it was told so, some between that and the live ones are missing.
function checkSeams(client, topics, ids, starts, end) {
  const given = client.dispatched();
  for (const [i, id] of ids.entries()) {
    const { start = 'now', last_count } = starts[i];
    const ended = client.events.filter(([name, members]) => name === 'snapshot_end' && members.subscription === id);
    assert.equal(ended.length, start === 'now' ? 0 : 1);
    const resumed = ended[0]?.[1].resumed;
    if (resumed !== undefined) assert.deepEqual([start, resumed], ['last_n', 'gap']);
    for (const topic of topics) {
      const messages = given.get(id).filter((each) => each.topic === topic);
      const seqs = messages.map(({ seq }) => seq);
      const holes = seqs.flatMap((seq, k) => (k > 0 && seq !== seqs[k - 1] + 1 ? [k] : []));
      for (const k of holes) assert.ok(resumed === 'gap' && messages[k - 1].mark === 'replay' && seqs[k] > seqs[k - 1], `${start} of ${topic}: ${seqs[k]} after ${seqs[k - 1]}`);
      assert.equal(text(messages.at(-1)), `${end}`, `${start} of ${topic} up to its end`);
      const kept = messages.filter(({ mark }) => mark);
      assert.deepEqual(messages.slice(0, kept.length), kept, 'kept ones first');
      assert.ok(kept.every(({ mark, subscription }) => mark === (start === 'last_n' ? 'replay' : 'snapshot') && subscription === id));
      if (start === 'now') assert.equal(kept.length, 0);
      if (start === 'last_values') assert.ok(kept.length <= 1);
      if (start === 'last_n') assert.ok(kept.length <= last_count, `${kept.length} kept ones`);
      if (start === 'last_n' && holes.length === 0) assert.ok(messages.length >= Math.min(last_count, kHistory), 'as many as were kept');
    }
    const lastKept = client.events.findLastIndex(([name, members]) => name === 'message' && members.subscription === id);
    if (start !== 'now') assert.ok(client.events.findIndex((event) => event === ended[0]) > lastKept, 'the end comes last');
  }
}

onEachBackend('the end of the broker', (io) => {
  afterEach(closeAll);
  for (const form of Object.keys(forms)) {
    it(`is announced, and then comes with 1012, ${form}`, async () => {
      const broker = await Broker.start({ io });
      const client = await FullClient.open(fullUrl(broker), { form });
      await client.subscribe('drain/#');
      const acks = count(200, (i) => client.publish(`drain/${i % 5}`, `${i}`));
      await client.roundTrip();
      broker.kill('SIGTERM');
      const { text: reason, deadline_ms } = await client.event('go_away');
      assert.ok(reason.length > 0 && deadline_ms > 0);
      client.send({ publish: { id: 1_000_000, ...publishOf('drain/0', 'too late') } });
      assert.equal((await client.over()).code, 1012);
      const acked = (await Promise.allSettled(acks)).filter(({ status }) => status === 'fulfilled').length;
      const heard = client.messages.map(text);
      assert.ok(heard.length >= acked, `what was acknowledged was delivered: ${acked} acks, ${heard.length} messages`);
      assert.ok(!heard.includes('too late'));
      assert.ok(client.errors.every(({ code }) => code === 'draining'));
      await broker.stop();
    });
  }
});
