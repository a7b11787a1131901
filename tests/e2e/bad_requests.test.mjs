// Every way to ask wrongly on the full protocol: the error that comes, that the connection stays where it can, and that
// nobody else notices.

import assert from 'node:assert/strict';
import { after, afterEach, before, it } from 'node:test';
import { Broker, kPatient, onEachBackend } from './broker.mjs';
import { Client, closeAll } from './client.mjs';
import { require } from './program.mjs';
import { FullClient, forms, fullUrl, publishOf } from './protocol/client.mjs';
import { kFormErrors } from './protocol/errors.mjs';
import { Witness } from './witness.mjs';

const { Writer } = require('protobufjs');
const kSubscriptionsMax = 20; // --max-subscriptions of these tests
const kTopicsMax = 30; // --max-topics
const count = (length, make) => Array.from({ length }, (_, i) => make(i));
const nested = (depth) => '['.repeat(depth) + '1' + ']'.repeat(depth);
const headers = (number, bytes) => Object.fromEntries(count(number, (i) => [`h${i}`, 'x'.repeat(bytes)]));
const text = (topic, more) => ({ publish: { id: 1, ...publishOf(topic, 'x'), ...more } });

// Asked rightly in form: [what, request, code, field]. The request has id 1.
const kRequests = [
  ['a publish to a filter with +', text('bad/+'), 'bad_topic', 'publish.topic'],
  ['a publish to a filter with #', text('bad/#'), 'bad_topic', 'publish.topic'],
  ['a publish to nothing', text(''), 'missing_field', 'publish.topic'],
  ['a publish below $', text('$broker/stats'), 'forbidden', 'publish.topic'],
  ['a publish to a topic of 1,025 bytes', text('x'.repeat(1025)), 'bad_topic', 'publish.topic'],
  ['a publish to a topic of 65 levels', text(count(65, () => 'x').join('/')), 'bad_topic', 'publish.topic'],
  ['a publish to a topic with a control character', text('bad\u0007'), 'bad_topic', 'publish.topic'],
  ['a publish to a topic with a level ..', text('bad/../x'), 'bad_topic', 'publish.topic'],
  ['17 headers', text('bad', { headers: headers(17, 1) }), 'too_large', 'publish.headers'],
  ['headers of 1,028 bytes', text('bad', { headers: headers(2, 512) }), 'too_large', 'publish.headers'],
  ['a content type of 256 bytes', text('bad', { content_type: 'x'.repeat(256) }), 'too_large', 'publish.content_type'],
  ['a content type with a line break', text('bad', { content_type: 'text/plain\r\nX: y' }), 'bad_value', 'publish.content_type'],
  ['a content type with a space at its end', text('bad', { content_type: 'text/plain ' }), 'bad_value', 'publish.content_type'],
  ['a producer_seq of nobody', text('bad', { producer_seq: 1 }), 'bad_value', 'publish.producer_seq'],
  ['a subscription without id', { subscribe: { filter: 'x' } }, 'missing_field', 'subscribe.id', 0],
  ['a subscription to nothing', { subscribe: { id: 1 } }, 'missing_field', 'subscribe.filter'],
  ['a subscription to a/#/b', { subscribe: { id: 1, filter: 'a/#/b' } }, 'bad_filter', 'subscribe.filter'],
  ['a subscription to a+', { subscribe: { id: 1, filter: 'a+' } }, 'bad_filter', 'subscribe.filter'],
  ['a filter of 1,025 bytes', { subscribe: { id: 1, filter: 'x'.repeat(1025) } }, 'bad_filter', 'subscribe.filter'],
  ['last_n without a count', { subscribe: { id: 1, filter: 'x', start: 'last_n' } }, 'missing_field', 'subscribe.last_count'],
  ['a count without last_n', { subscribe: { id: 1, filter: 'x', last_count: 3 } }, 'bad_value', 'subscribe.last_count'],
  ['a rate above 1000', { subscribe: { id: 1, filter: 'x', delivery: 'latest', max_rate_hz: 1001 } }, 'bad_value', 'subscribe.max_rate_hz'],
  ['a change of no subscription', { change: { id: 1, subscription: 77 } }, 'unknown_subscription', 'change.subscription'],
  ['a rate of every message', { subscribe: { id: 1, filter: 'x', max_rate_hz: 10 } }, 'bad_value', 'subscribe.max_rate_hz'],
  ['a rate below 0', { subscribe: { id: 1, filter: 'x', max_rate_hz: -1 } }, 'bad_value', 'subscribe.max_rate_hz'],
  ['the end of no subscription', { unsubscribe: { id: 1, subscription: 77 } }, 'unknown_subscription', 'unsubscribe.subscription'],
  ['the end of a subscription of the URL', { unsubscribe: { id: 1 } }, 'unknown_subscription', 'unsubscribe.subscription'],
  ['33 features', { hello: { id: 1, features: count(33, (i) => `f${i}`) } }, 'too_large', 'hello.features'],
  ['a client name of 129 bytes', { hello: { id: 1, client: 'x'.repeat(129) } }, 'too_large', 'hello.client'],
  ['a producer id of 65 bytes', { hello: { id: 1, producer_id: '0'.repeat(65) } }, 'too_large', 'hello.producer_id'],
  ['an empty batch', { publish_batch: {} }, 'missing_field', 'publish_batch.messages', 0],
  ['a batch of 1,025', { publish_batch: { messages: count(1025, (i) => ({ id: i + 1, ...publishOf('bad', 'x') })) } }, 'too_large', 'publish_batch.messages', 0],
];

// Wrong as JSON: [what, text, code, field, id].
const kTexts = [
  ['nothing', '', 'malformed', ''],
  ['no JSON', 'hello', 'malformed', ''],
  ['half an object', '{"unsubscribe":{"id":1', 'malformed', ''],
  ['two objects', '{"hello":{}}{"hello":{}}', 'malformed', ''],
  ['an array', '[]', 'malformed', ''],
  ['a number', '1', 'malformed', ''],
  ['null', 'null', 'malformed', ''],
  ['no request', '{}', 'malformed', ''],
  ['two requests', '{"unsubscribe":{"id":1},"hello":{"id":2}}', 'malformed', ''],
  ['half of a surrogate pair', '{"publish":{"id":1,"topic":"\\ud800","text":""}}', 'malformed', ''],
  ['an unknown request', '{"frobnicate":{"id":1}}', 'unknown_field', 'frobnicate'],
  ['an unknown member', '{"unsubscribe":{"id":1,"subscription":1,"colour":2}}', 'unknown_field', 'unsubscribe.colour', 1],
  ['a member of later', '{"subscribe":{"id":1,"filter":"x","since":0}}', 'unknown_field', 'subscribe.since', 1],
  ['a format', '{"publish":{"id":1,"topic":"x","text":"","format":"text"}}', 'unknown_field', 'publish.format', 1],
  ['a member twice', '{"subscribe":{"id":1,"filter":"x","filter":"x"}}', 'bad_value', 'subscribe.filter', 1],
  ['a request that is no object', '{"subscribe":[]}', 'bad_value', 'subscribe'],
  ['an id that is a string', '{"subscribe":{"id":"1","filter":"x"}}', 'bad_value', 'subscribe.id'],
  ['an id below 0', '{"subscribe":{"id":-1,"filter":"x"}}', 'bad_value', 'subscribe.id'],
  ['an id of 2^53', '{"subscribe":{"id":9007199254740992,"filter":"x"}}', 'bad_value', 'subscribe.id'],
  ['an id of 1e2', '{"subscribe":{"id":1e2,"filter":"x"}}', 'bad_value', 'subscribe.id'],
  ['a count of 2^32', '{"subscribe":{"id":1,"filter":"x","start":"last_n","last_count":4294967296}}', 'bad_value', 'subscribe.last_count', 1],
  ['a filter that is null', '{"subscribe":{"id":1,"filter":null}}', 'bad_value', 'subscribe.filter', 1],
  ['a filter that is a number', '{"subscribe":{"id":1,"filter":1}}', 'bad_value', 'subscribe.filter', 1],
  ['an echo that is a string', '{"subscribe":{"id":1,"filter":"x","echo":"no"}}', 'bad_value', 'subscribe.echo', 1],
  ['an unknown start', '{"subscribe":{"id":1,"filter":"x","start":"yesterday"}}', 'bad_value', 'subscribe.start', 1],
  ['a start in capitals', '{"subscribe":{"id":1,"filter":"x","start":"LAST_VALUES"}}', 'bad_value', 'subscribe.start', 1],
  ['features that are a string', '{"hello":{"id":1,"features":"credit"}}', 'bad_value', 'hello.features', 1],
  ['no payload', '{"publish":{"id":1,"topic":"x"}}', 'missing_field', 'publish.json', 1],
  ['two payloads', '{"publish":{"id":1,"topic":"x","text":"","json":1}}', 'bad_value', 'publish.json', 1],
  ['a removal with a payload', '{"publish":{"id":1,"topic":"x","op":"remove","text":""}}', 'bad_value', 'publish.text', 1],
  ['base64 without its padding', '{"publish":{"id":1,"topic":"x","base64":"AQ"}}', 'bad_value', 'publish.base64', 1],
  ['a text that is a number', '{"publish":{"id":1,"topic":"x","text":1}}', 'bad_value', 'publish.text', 1],
  ['headers that are an array', '{"publish":{"id":1,"topic":"x","text":"","headers":["a"]}}', 'bad_value', 'publish.headers', 1],
  ['a header that is a number', '{"publish":{"id":1,"topic":"x","text":"","headers":{"a":1}}}', 'bad_value', 'publish.headers', 1],
  ['a payload nested 101 deep', `{"publish":{"id":1,"topic":"x","json":${nested(101)}}}`, 'too_large', 'publish.json', 1],
  ['a payload nested 100,000 deep', `{"publish":{"id":1,"topic":"x","json":${nested(100_000)}}}`, 'too_large', ''],
  ['a million brackets', '['.repeat(1_000_000), undefined, ''],
  ['a million members', `{"hello":{${count(50_000, (i) => `"m${i}":0`).join(',')}}}`, 'unknown_field', 'hello.m0'],
];

// Wrong as Protocol Buffers: [what, bytes, code, field, id].
const bytes = (write) => {
  const writer = Writer.create();
  write(writer);
  return Buffer.from(writer.finish());
};
const tag = (number, type) => (number << 3) | type;
const request = (number, write) => bytes((writer) => writer.uint32(tag(number, 2)).bytes(bytes(write)));
const subscribe = (write) => request(2, (writer) => write(writer.uint32(tag(1, 0)).uint32(1).uint32(tag(2, 2)).string('x')));
const kBytes = [
  ['nothing', Buffer.alloc(0), 'malformed', ''],
  ['two requests', Buffer.concat([request(3, () => {}), request(3, () => {})]), 'malformed', ''],
  ['an unknown request', request(8, () => {}), 'unknown_field', '8'],
  ['an unknown field', subscribe((writer) => writer.uint32(tag(17, 0)).uint32(1)), 'unknown_field', 'subscribe.17', 1],
  ['a reserved field', subscribe((writer) => writer.uint32(tag(12, 0)).uint32(1)), 'unknown_field', 'subscribe.12', 1],
  ['a field twice', subscribe((writer) => writer.uint32(tag(2, 2)).string('y')), 'bad_value', 'subscribe.filter', 1],
  ['a field of the wrong type', subscribe((writer) => writer.uint32(tag(3, 2)).string('y')), 'malformed', 'subscribe.start', 1],
  ['a value that the enum does not have', subscribe((writer) => writer.uint32(tag(3, 0)).uint32(9)), 'bad_value', 'subscribe.start', 1],
  ['a count of 2^32', subscribe((writer) => writer.uint32(tag(3, 0)).uint32(2).uint32(tag(4, 0)).uint64(2 ** 32)), 'bad_value', 'subscribe.last_count', 1],
  ['a filter that is not UTF-8', request(2, (writer) => writer.uint32(tag(1, 0)).uint32(1).uint32(tag(2, 2)).bytes(Buffer.from([0xff]))), 'malformed', 'subscribe.filter', 1],
  ['a text that is not UTF-8', forms.proto.writeRequest({ publish: { id: 1, topic: 'x', format: 'text', payload: Buffer.from([0xff]) } }), 'bad_value', 'publish.payload', 1],
  ['JSON that is none', forms.proto.writeRequest({ publish: { id: 1, topic: 'x', format: 'json', payload: Buffer.from('{') } }), 'bad_value', 'publish.payload', 1],
  ['JSON nested 101 deep', forms.proto.writeRequest({ publish: { id: 1, topic: 'x', format: 'json', payload: Buffer.from(nested(101)) } }), 'too_large', 'publish.payload', 1],
  ['JSON nested 100,000 deep', forms.proto.writeRequest({ publish: { id: 1, topic: 'x', format: 'json', payload: Buffer.from(nested(100_000)) } }), 'too_large', 'publish.payload', 1],
  ['a removal with a payload', forms.proto.writeRequest({ publish: { id: 1, topic: 'x', op: 'remove', payload: Buffer.from('x') } }), 'bad_value', 'publish.payload', 1],
  ['a length of 2^62', Buffer.from('12808080808080808040', 'hex'), 'malformed', ''],
  ['a varint without end', Buffer.alloc(64, 0xff), 'malformed', ''],
  ['a group', request(2, (writer) => writer.uint32(tag(2, 3))), undefined, undefined],
  ['a million empty fields', request(5, (writer) => {
    for (let i = 0; i < 300_000; ++i) writer.uint32(tag(1, 2)).uint32(0);
  }), undefined, undefined],
];

onEachBackend('a bad request', (io) => {
  let broker;
  let witness;
  before(async () => {
    broker = await Broker.start({ io, args: kPatient.lingering });
    witness = await Witness.start(broker);
  });
  afterEach(closeAllButWitness);
  after(async () => {
    await witness.stop();
    await closeAll();
    await broker.stop();
  });

  const opened = [];
  async function open(form, url = fullUrl(broker)) {
    opened.push(await FullClient.open(url, { form }));
    return opened.at(-1);
  }
  async function closeAllButWitness() {
    await Promise.all(opened.splice(0).map((client) => client.close()));
  }

  // `data` is answered by that error and nothing else; the connection goes on. code undefined: any error of form.
  async function assertRefused(client, data, [what, , code, field, id = 0]) {
    const before = client.events.length;
    client.sendRaw(data);
    await client.until(() => client.events.length > before, () => `an error for ${what}`);
    const [name, error] = client.events[before];
    assert.equal(name, 'error', what);
    if (code === undefined) assert.ok(kFormErrors.includes(error.code), `${what}: ${error.code}`);
    else assert.deepEqual([error.code, error.field ?? '', error.id ?? 0], [code, field, id], `${what}: ${error.text}`);
    assert.match(error.text, /\w+ \w+/, what);
    await client.ask('unsubscribe', { subscription: await client.subscribe('bad/kept') });
    assert.equal(client.events.length, before + 3, `${what}: one answer`);
  }

  for (const form of Object.keys(forms)) {
    it(`right in form is refused by name, ${form}`, async () => {
      for (const row of kRequests) {
        const [what, message, code, field, id = 1] = row;
        // What has no JSON or no protobuf form is not for this table: both write all of it.
        await assertRefused(await open(form), forms[form].writeRequest(message), [what, message, code, field, id]);
      }
      await witness.check();
    });

    it(`many on one connection leave it as it was, ${form}`, async () => {
      const client = await open(form);
      const rows = kRequests.filter(([, message]) => !message.hello);
      const expected = rows.map(([, message, code, field], i) => {
        const [[name, members]] = Object.entries(message);
        const id = members.id && 100 + i; // of publishes they must rise; by the others' it is seen whose answer came
        client.send({ [name]: { ...members, ...(id && { id }) } });
        return `${id ?? 0} ${code} ${field}`;
      });
      await client.until(() => client.errors.length >= rows.length, () => `${rows.length} errors, not ${client.errors.length}`);
      // Answers to different requests may come in any order.
      assert.deepEqual(client.errors.map(({ id = 0, code, field = '' }) => `${id} ${code} ${field}`).sort(), expected.sort());
      await client.publish('bad/kept', 'still open', { id: 1000 });
    });

    it(`over a limit of the broker is refused, and what was there stays, ${form}`, async (t) => {
      const args = ['--max-subscriptions', `${kSubscriptionsMax}`, '--max-topics', `${kTopicsMax}`];
      const small = await Broker.of(t, { io, args });
      const client = await open(form, fullUrl(small));
      assert.equal((await client.hello()).limits.subscriptions, kSubscriptionsMax);
      const ids = await Promise.all(count(kSubscriptionsMax, (i) => client.subscribe(`bad/limit/${i}`)));
      await assert.rejects(client.subscribe('bad/limit/more'), { code: 'too_many_subscriptions' });
      await client.ask('unsubscribe', { subscription: ids[0] });
      await client.subscribe('bad/limit/more');
      const answers = await Promise.allSettled(count(400, (i) => client.publish(`bad/topic/${i}`, 'x')));
      const refused = answers.filter(({ status }) => status === 'rejected').map(({ reason }) => reason.code);
      assert.ok(refused.length >= 400 - kTopicsMax && refused.every((code) => code === 'too_many_topics'), `${refused}`);
      const kept = answers.findIndex(({ status }) => status === 'fulfilled');
      await client.publish(`bad/topic/${kept}`, 'a topic that is there has room');
    });

    it(`by the wrong kind of frame ends with 1003, ${form}`, async () => {
      for (const url of [fullUrl(broker), broker.topic('bad/kind')]) {
        const client = await open(form, url);
        const right = forms[form].writeRequest({ hello: { id: 1 } });
        client.sendRaw(form === 'json' ? Buffer.from(right) : right.toString('latin1'));
        const { code, reason } = await client.over();
        assert.deepEqual([code, reason.length > 0], [1003, true]);
      }
      await witness.check();
    });

    it(`larger than a message may be ends with 1009, ${form}`, async () => {
      const client = await open(form);
      client.send({ publish: publishOf('bad/large', 'x'.repeat(2 ** 20 + 1)) });
      assert.equal((await client.over()).code, 1009);
      await witness.check();
    });
  }

  for (const [form, rows] of [['json', kTexts], ['proto', kBytes]]) {
    it(`wrong in form is refused by name, ${form}`, async () => {
      for (const row of rows) await assertRefused(await open(form), row[1], row);
      const one = await open(form); // and all by one client
      for (const row of rows) await assertRefused(one, row[1], row);
      await witness.check();
    });
  }

  it('cut at any byte is refused, and the whole is taken after that', async () => {
    const whole = {
      json: forms.json.writeRequest({ publish: { id: 1, topic: 'bad/cut', headers: { a: 'b' }, content_type: 'text/plain', ...publishOf('bad/cut', 'héllo') } }),
      proto: forms.proto.writeRequest({ publish: { id: 1, topic: 'bad/cut', headers: { a: 'b' }, content_type: 'text/plain', ...publishOf('bad/cut', 'hello') } }),
    };
    for (const form of Object.keys(forms)) {
      const client = await open(form);
      for (let cut = 0; cut < whole[form].length; ++cut) {
        const before = client.errors.length;
        client.sendRaw(whole[form].slice(0, cut));
        await client.until(() => client.errors.length > before, () => `an error, cut at ${cut}`);
        assert.ok(kFormErrors.includes(client.errors.at(-1).code));
      }
      const answer = client.answer(1);
      client.sendRaw(whole[form]);
      await answer;
    }
  });

  it('by a handshake: no subprotocol on /ws, an unknown one, a bad filter', async () => {
    for (const [url, protocols, status] of [
      [fullUrl(broker), [], 400],
      [fullUrl(broker), ['ringcast.v1.raw'], 400],
      [fullUrl(broker), ['ringcast.v2.json'], 400],
      [broker.topic('bad/#').replace('bad', '%ff'), ['ringcast.v1.json'], 400],
      [`${fullUrl(broker)}?colour=1`, ['ringcast.v1.json'], 400],
    ]) {
      const refused = await new Client(url, { protocols }).refused();
      assert.equal(refused.status, status, `${url} ${protocols}`);
      assert.ok(JSON.parse(refused.body).message.length > 0);
    }
    const client = new Client(fullUrl(broker), { protocols: ['mqtt', 'ringcast.v1.proto', 'ringcast.v1.json'] });
    await client.opened();
    assert.equal(client.ws.protocol, 'ringcast.v1.proto');
    await client.close(1000);
  });
});
