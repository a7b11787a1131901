// Raw mode with npm's `ws`: a topic is a URL, what is sent to it arrives as it was sent.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, afterEach, before, it } from 'node:test';
import { Broker, kPatient, onEachBackend } from './broker.mjs';
import { Client, closeAll, publish } from './client.mjs';

const kMiB = 1024 * 1024;
const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');

onEachBackend('a raw WebSocket', (io) => {
  let broker;
  before(async () => (broker = await Broker.start({ io, args: ['--max-message', '16MiB', '--max-outbox', '40MiB', ...kPatient.lingering] })));
  afterEach(closeAll);
  after(() => broker.stop());

  it('hears itself, text as text and binary as binary', async () => {
    const client = await Client.open(broker.topic('chat/room1'));
    client.send('héllo 🛰').send(Buffer.from([0, 0xff, 0x80, 10])).send(Buffer.from('text that was sent as binary'));
    assert.deepEqual(await client.has(3), [
      'héllo 🛰',
      Buffer.from([0, 0xff, 0x80, 10]),
      Buffer.from('text that was sent as binary'),
    ]);
  });

  it('is heard by others in the order of sending', async () => {
    const listener = await Client.open(broker.topic('chat/order'));
    const client = await Client.open(broker.topic('chat/order'));
    const sent = Array.from({ length: 1000 }, (_, i) => `message ${i}`);
    for (const message of sent) client.send(message);
    assert.deepEqual(await listener.has(1000), sent);
    assert.deepEqual(await client.has(1000), sent);
  });

  it('carries empty messages, text and binary', async () => {
    const client = await Client.open(broker.topic('chat/empty'));
    client.send('').send(Buffer.alloc(0)).send('end');
    assert.deepEqual(await client.has(3), ['', Buffer.alloc(0), 'end']);
  });

  it('carries every length around the places where a frame header or a fragment begins anew', async () => {
    const lengths = [1, 125, 126, 127, 4095, 4096, 4097, 32767, 32769, 65535, 65536, 65537, 131072, 131073];
    const client = await Client.open(broker.topic('chat/lengths'));
    const messages = lengths.map((length) => randomBytes(length));
    for (const message of messages) client.send(message);
    assert.deepEqual((await client.has(lengths.length)).map(digest), messages.map(digest));
  });

  it('carries 16 MiB, and refuses a byte more with 1009', async () => {
    const client = await Client.open(broker.topic('chat/large'), { maxPayload: 17 * kMiB });
    const payload = randomBytes(16 * kMiB);
    client.send(payload);
    assert.equal(digest(await client.next()), digest(payload));
    client.send(Buffer.alloc(16 * kMiB + 1));
    assert.equal((await client.over()).code, 1009);
  });

  it('joins fragments into one message', async () => {
    const client = await Client.open(broker.topic('chat/fragments'));
    const parts = Array.from('fragmented ', (letter) => letter);
    for (const part of parts) client.send(part, { fin: false });
    client.ws.ping('between');
    client.send('text', { fin: true });
    for (let i = 0; i < 99; ++i) client.send(Buffer.alloc(1000, i), { fin: false });
    client.send(Buffer.alloc(1000, 99), { fin: true });
    const [text, binary] = await client.has(2);
    assert.equal(text, 'fragmented text');
    assert.equal(digest(binary), digest(Buffer.concat(Array.from({ length: 100 }, (_, i) => Buffer.alloc(1000, i)))));
  });

  it('with echo=0 hears others and not itself', async () => {
    const witness = await Client.open(broker.topic('chat/echo'));
    const quiet = await Client.open(broker.topic('chat/echo', 'echo=0'));
    quiet.send('its own');
    await witness.has(1); // from now on, what others publish comes after it
    witness.send('of another');
    await witness.has(2); // two connections have no order until one has heard the other
    await publish(broker, 'chat/echo', 'of a third');
    assert.deepEqual(await quiet.has(2), ['of another', 'of a third']);
    assert.deepEqual(await witness.has(3), ['its own', 'of another', 'of a third']);
  });

  it('with mode=pub publishes and hears nothing', async () => {
    const witness = await Client.open(broker.topic('chat/pub'));
    const producer = await Client.open(broker.topic('chat/pub', 'mode=pub'));
    await publish(broker, 'chat/pub', 'of another');
    for (let i = 0; i < 100; ++i) producer.send(`${i}`);
    await witness.has(101);
    await producer.close(1000);
    assert.deepEqual(producer.inbox, []);
  });

  it('hears the topics that its filter matches, once each', async () => {
    const filters = ['f/+/temp', 'f/kitchen/#', 'f/#', '+/kitchen/temp', 'f/kitchen/temp', 'f/+', 'f/+/+/+'];
    const heard = await Promise.all(filters.map((filter) => Client.open(broker.topic(filter))));
    const topics = ['f', 'f/kitchen', 'f/kitchen/temp', 'f/hall/temp', 'f/kitchen/oven/temp', 'g/kitchen/temp'];
    for (const topic of topics) await publish(broker, topic, topic);
    const expected = {
      'f/+/temp': ['f/kitchen/temp', 'f/hall/temp'],
      'f/kitchen/#': ['f/kitchen', 'f/kitchen/temp', 'f/kitchen/oven/temp'],
      'f/#': ['f', 'f/kitchen', 'f/kitchen/temp', 'f/hall/temp', 'f/kitchen/oven/temp'],
      '+/kitchen/temp': ['f/kitchen/temp', 'g/kitchen/temp'],
      'f/kitchen/temp': ['f/kitchen/temp'],
      'f/+': ['f/kitchen'],
      'f/+/+/+': ['f/kitchen/oven/temp'],
    };
    // A last message to every filter, on each topic's own shard: what was to come before it has come, or never does.
    for (const topic of topics) await publish(broker, topic, 'end');
    for (const [i, filter] of filters.entries()) {
      const ends = expected[filter].length;
      await heard[i].has((inbox) => inbox.filter((message) => message === 'end').length === ends);
      // Order between topics is not promised.
      assert.deepEqual(heard[i].inbox.filter((message) => message !== 'end').sort(), expected[filter].sort(), filter);
    }
  });

  it('on a filter can only subscribe', async () => {
    for (const filter of ['w/+', 'w/#', '#']) {
      const client = await Client.open(broker.topic(filter));
      client.send('to whom?');
      assert.equal((await client.over()).code, 1008, filter);
      const refused = await new Client(broker.topic(filter, 'mode=pub')).refused();
      assert.equal(refused.status, 400, filter);
    }
  });

  it('cannot publish to topics that begin with $', async () => {
    const client = await Client.open(broker.topic('$broker/stats'));
    client.send('a lie');
    assert.equal((await client.over()).code, 1008);
    assert.equal((await new Client(broker.topic('$broker/stats', 'mode=pub')).refused()).status, 403);
    await assert.rejects(publish(broker, '$broker/stats', 'a lie'), /403/);
  });

  it('answers pings with their own payload', async () => {
    const client = await Client.open(broker.topic('chat/ping'));
    for (const payload of ['', 'a', 'x'.repeat(125)]) assert.equal(await client.roundTrip(payload), payload);
  });

  it('answers a close with the code that came', async () => {
    for (const code of [1000, 1001, 1003, 3000, 4999]) {
      const client = await Client.open(broker.topic('chat/close'));
      assert.equal((await client.close(code, 'a reason')).code, code);
    }
    const client = await Client.open(broker.topic('chat/close'));
    assert.equal((await client.close()).code, 1005); // none for none
  });

  it('takes the subprotocol ringcast.v1.raw, also among others', async () => {
    for (const protocols of [['ringcast.v1.raw'], ['mqtt', 'ringcast.v1.raw']]) {
      const client = await Client.open(broker.topic('chat/protocol'), { protocols });
      assert.equal(client.ws.protocol, 'ringcast.v1.raw');
      client.send('as ever');
      assert.equal(await client.next(), 'as ever');
    }
  });
});
