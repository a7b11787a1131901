// permessage-deflate end to end (RFC 7692): npm `ws` compressing on both sides of all three protocols, on 4 shards and
// both backends; what goes over the wire is looked at by raw peers. The table of cases is conformance's.

import assert from 'node:assert/strict';
import { deflateRawSync, constants } from 'node:zlib';
import { after, afterEach, before, it } from 'node:test';
import { Broker, kPatient, onEachBackend } from './broker.mjs';
import { Client, closeAll } from './client.mjs';
import { Peer, text } from './wire.mjs';
import { FullClient, forms, fullUrl } from './protocol/client.mjs';

const kOffer = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' };
const kCompressMin = 256; // bytes: --compress-min
const kMaxMessage = 1024 * 1024; // bytes: --max-message
const compressing = { perMessageDeflate: { threshold: 0 } };
const kSizes = [1, kCompressMin - 1, kCompressMin, 1024, 4096, 4097, 65_536, 65_537, 300_000, kMaxMessage];

// What a feed might send: JSON that repeats itself, but is never twice the same.
function feed(size, seed = 1) {
  let out = '';
  for (let i = seed; out.length < size; i = (i * 48_271) % 2_147_483_647) {
    out += `{"symbol":"S${i % 500}","price":${(i % 100_000) / 100},"size":${i % 1000}},`;
  }
  return out.slice(0, size);
}

// As a client sends it: without the tail (§7.2.1).
const deflated = (payload) => deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);

async function openPeer(broker, filter, options) {
  const peer = await Peer.open(broker, filter, { fields: kOffer, ...options });
  peer.compressing = true;
  return peer;
}

onEachBackend('compression', (io) => {
  let broker;
  before(async () => (broker = await Broker.start({ io })));
  afterEach(closeAll);
  after(() => broker.stop());

  it('is agreed to with npm ws, which keeps no context either', async () => {
    const client = new Client(broker.topic('agreed'), compressing);
    let answer;
    client.ws.on('upgrade', ({ headers }) => (answer = headers['sec-websocket-extensions']));
    await client.opened();
    assert.equal(answer, 'permessage-deflate; server_no_context_takeover; client_no_context_takeover');
    assert.equal(client.ws.extensions, 'permessage-deflate');
  });

  it('raw: messages of 1 byte to 1 MiB arrive as they were sent, at subscribers with and without, on every shard', async () => {
    const publisher = await Client.open(broker.topic('mixed', 'mode=pub'), compressing);
    const windows = [9, 11, 12, 15].map((bits) => ({ perMessageDeflate: { serverMaxWindowBits: bits } }));
    const all = [...windows, ...windows, {}, {}, compressing, compressing];
    const subscribers = await Promise.all(all.map((options) => Client.open(broker.topic('mixed'), options)));
    const sent = kSizes.map((size) => feed(size, size));
    for (const payload of sent) publisher.send(payload);
    for (const subscriber of subscribers) {
      assert.equal((await subscriber.has(sent.length)).length, sent.length);
      sent.forEach((payload, i) => assert.ok(subscriber.inbox[i] === payload, `${payload.length} bytes`));
    }
    const late = await Client.open(broker.topic('mixed', 'last=1'), compressing);
    assert.ok((await late.has(1))[0] === sent.at(-1));
  });

  for (const form of Object.keys(forms)) {
    it(`${form}: publishes, acks, live messages, last values and replays`, async () => {
      const topic = `full/${form}`;
      const [publisher, live, plain] = await Promise.all([compressing, compressing, {}].map((options) => FullClient.open(fullUrl(broker), { form, ...options })));
      for (const client of [live, plain]) await client.subscribe(topic);
      const sizes = kSizes.filter((size) => size <= kMaxMessage / 2);
      for (const size of sizes) await publisher.publish(topic, feed(size, size));
      const late = await FullClient.open(fullUrl(broker), { form, ...compressing });
      await late.subscribe(topic, { start: 'last_values' });
      await late.heard((message) => message.payload.length === sizes.at(-1));
      for (const client of [live, plain]) {
        await client.heard((message) => message.payload.length === sizes.at(-1));
        assert.deepEqual(client.messages.map(({ payload }) => payload.length), sizes);
        client.messages.forEach(({ payload }, i) => assert.ok(payload.toString() === feed(sizes[i], sizes[i])));
      }
    });
  }

  it('is for messages from --compress-min on that become smaller; control frames never are', async () => {
    const publisher = await Client.open(broker.topic('wire', 'mode=pub'));
    const peer = await openPeer(broker, 'wire');
    const noise = Buffer.alloc(1000).map(() => Math.floor(Math.random() * 256));
    const rows = [
      { payload: feed(kCompressMin - 1), compressed: false },
      { payload: feed(kCompressMin), compressed: true },
      { payload: noise, compressed: false },
      { payload: feed(1024), compressed: true },
    ];
    for (const { payload, compressed } of rows) {
      publisher.send(payload);
      const frame = await peer.frame();
      assert.equal(frame.rsv, compressed ? 4 : 0, `${payload.length} bytes`);
      if (compressed) assert.ok(frame.payload.length < payload.length * 0.7);
    }
    peer.write(text('', {})); // published to itself too
    assert.deepEqual([(await peer.frame()).rsv], [0]);
    peer.write(Buffer.from([0x89, 0x80, 0, 0, 0, 0])); // a ping
    const pong = await peer.frame();
    assert.deepEqual([pong.code, pong.rsv], [10, 0]);
    peer.reset();
  });

  it('takes compressed messages up to --max-message; a bomb is refused with 1009 and costs nothing', async (t) => {
    const broker = await Broker.of(t, { io, args: kPatient.lingering }); // one that no connection of before is still to leave
    const subscriber = await Client.open(broker.topic('bomb'));
    const before = broker.usage();
    const bombs = await Promise.all(Array.from({ length: 20 }, () => openPeer(broker, 'bomb', { query: 'mode=pub' })));
    const bomb = text(deflated(Buffer.alloc(200 * kMaxMessage)), { rsv: 4 });
    for (const peer of bombs) peer.write(bomb);
    for (const peer of bombs) {
      assert.equal((await peer.closeFrame()).code, 1009);
      assert.equal(await peer.end(), 'FIN');
    }
    await broker.recovered(before);
    const after = broker.usage();
    if (broker.measurable) assert.ok(after.peak_bytes - before.rss_bytes < 48 * kMaxMessage, 'memory at the worst');
    const peer = await openPeer(broker, 'bomb', { query: 'mode=pub' });
    const largest = 'x'.repeat(kMaxMessage);
    peer.write(text(deflated(largest), { rsv: 4 }));
    assert.ok((await subscriber.has(1))[0] === largest);
    peer.write(text(deflated(largest + 'x'), { rsv: 4 }));
    assert.equal((await peer.closeFrame()).code, 1009);
    peer.reset();
  });

  it('2,000 connections in the middle of a compressed message cost what they have sent, not a window each', async (t) => {
    const broker = await Broker.of(t, { io });
    const whole = text(deflated(feed(20_000)), { rsv: 4 });
    const half = whole.subarray(0, whole.length / 2);
    const before = broker.usage();
    const peers = [];
    while (peers.length < 2000) {
      const some = Array.from({ length: 100 }, () => openPeer(broker, 'half', { query: 'mode=pub' }));
      peers.push(...(await Promise.all(some)));
    }
    const open = broker.usage();
    for (const peer of peers) peer.write(half).write('');
    await Promise.all(peers.map((peer) => peer.flushed()));
    const subscriber = await Client.open(broker.topic('half'), compressing);
    await Promise.all(peers.slice(0, 50).map((peer) => peer.write(whole.subarray(half.length)).flushed()));
    await subscriber.has(50);
    const grown = (broker.usage().rss_bytes - open.rss_bytes) / peers.length;
    // The doubling buffer of half.length; a window of 32 KiB and zlib's 7 would show at once.
    if (broker.measurable) assert.ok(grown < 12_000, `${grown} bytes each`);
    for (const peer of peers) peer.reset();
    subscriber.ws.terminate();
    await broker.recovered(before);
  });

  it('--compression off answers no offer and takes no compressed message', async (t) => {
    const plain = await Broker.of(t, { io, args: ['--compression', 'off'] });
    const client = await Client.open(plain.topic('off'), compressing);
    assert.equal(client.ws.extensions, '');
    client.send(feed(5000));
    assert.ok((await client.has(1))[0] === feed(5000));
    const peer = await Peer.open(plain, 'off', { fields: kOffer });
    peer.write(text(deflated('x'), { rsv: 4 }));
    assert.equal((await peer.closeFrame()).code, 1002);
    peer.reset();
  });
});
