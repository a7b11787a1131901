// Peers that are slow, mute, gone, or mad: what each costs is bounded, and nobody else notices.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Broker, backends, kPatient, onEachBackend } from './broker.mjs';
import { Client, closeAll, request } from './client.mjs';
import { eventually } from './program.mjs';
import { Peer, binaryFrame, close, continuation, handshake, opcode, text } from './wire.mjs';
import { Witness } from './witness.mjs';

const kMiB = 1024 * 1024;
const post = (topic, length) => `POST /topics/${topic} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n`;

const kOptions = [
  ['--linger-close', '400ms'],
  // io_uring may report data and hide the reset that came with it (README): then the next ping finds out.
  ['--ping-interval', '5s'],
  ['--pong-timeout', '15s'],
  ['--linger-close-size', '1MiB'],
  ['--drain-deadline', '1s'],
].flat();

// mulberry32: the same garbage each time.
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const times = (count, make) => Promise.all(Array.from({ length: count }, (_, i) => make(i)));

onEachBackend('the broker among bad peers', (io) => {
  let broker;
  let witness;
  let usage;
  before(async () => {
    broker = await Broker.start({ io, args: kOptions });
    witness = await Witness.start(broker);
    usage = broker.usage();
  });
  after(async () => {
    await witness.stop();
    await closeAll();
    await broker.stop();
  });

  // Sends `sent`, then a byte every few milliseconds for as long as the broker takes it.
  function dribble(on, sent, byte) {
    const peer = new Peer(on.port).write(sent);
    const timer = setInterval(() => peer.write(byte), 20).unref();
    peer.socket.on('close', () => clearInterval(timer));
    return peer;
  }

  // Two brokers of their own: who does nothing wrong, there and in other tests, is not to be quick.
  it('closes slow handshakes: what was begun with 408, what was not without a word', async (t) => {
    const impatient = await Broker.of(t, { io, args: ['--handshake-timeout', '2500ms', ...kPatient.lingering] });
    const idling = await Broker.of(t, { io, args: ['--http-idle-timeout', '400ms'] });
    const [impatientBefore, idlingBefore] = [impatient.usage(), idling.usage()];
    const silent = await times(20, () => new Peer(impatient.port).connected());
    const idle = await times(20, async () => {
      const peer = new Peer(idling.port).write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
      assert.equal((await peer.response()).status, 200);
      return peer;
    });
    const slow = [
      ...(await times(20, () => dribble(impatient, 'GET / HTTP/1.1\r\nX: ', 'x'))),
      ...(await times(20, () => dribble(impatient, post('evil/slow', 1000), 'x'))),
      ...(await times(20, () => new Peer(impatient.port).write('GET / HTTP/1.1\r\n'))),
    ];
    for (const peer of slow) {
      assert.equal((await peer.response()).status, 408);
      assert.equal(await peer.end(), 'FIN');
    }
    for (const peer of [...silent, ...idle]) {
      assert.equal(await peer.end(), 'FIN');
      assert.equal(peer.received.length, 0);
    }
    await impatient.recovered(impatientBefore);
    await idling.recovered(idlingBefore);
  });

  it('cuts a peer off that does not go, or that does not stop, after its close', async () => {
    const staying = await Peer.open(broker, 'evil/staying');
    staying.write(close(1000));
    assert.equal((await staying.closeFrame()).code, 1000);
    const flooding = await Peer.open(broker, 'evil/flooding');
    flooding.write(text('', { rsv: 1 }));
    for (let i = 0; i < 1024; ++i) flooding.write(Buffer.alloc(64 * 1024));
    assert.match(await flooding.end(), /FIN|ECONNRESET|EPIPE/);
    await broker.recovered(usage); // while `staying` still has its side open
    assert.equal(staying.closed, false);
    staying.reset();
  });

  // Each leaves the connection in some state; then it is reset.
  const kStages = {
    connect: (peer) => peer.connected(),
    'in the head': (peer) => peer.write(handshake('evil/reset').slice(0, 50)).flushed(),
    'with the head just sent': (peer) => peer.write(handshake('evil/reset')).flushed(),
    'in the body': (peer) => peer.write(post('evil/reset', 100_000) + 'x'.repeat(50_000)).flushed(),
    'with the request just sent': (peer) => peer.write(post('evil/reset', 1) + 'x').flushed(),
    'after the upgrade': (peer) => peer.write(handshake('evil/reset', { query: 'last=1' })).head(),
    'in a frame': async (peer) => {
      await peer.write(handshake('evil/reset')).head();
      await peer.write(binaryFrame(Buffer.alloc(1000), { claim: 100_000, length: 64 })).flushed();
    },
    'in a message': async (peer) => {
      await peer.write(handshake('evil/reset')).head();
      await peer.write(binaryFrame(Buffer.alloc(70_000), { fin: false })).write(continuation('x', { fin: false })).flushed();
    },
    'in the closing handshake': async (peer) => {
      await peer.write(handshake('evil/reset')).head();
      await peer.write(close(1000)).flushed();
    },
    'after a violation': async (peer) => {
      await peer.write(handshake('evil/reset')).head();
      await peer.write(text('', { rsv: 1 })).write(Buffer.alloc(100_000)).flushed();
    },
  };

  it('survives resets at every stage, and the fourth time costs no more memory than the first', async () => {
    let first;
    for (let round = 0; round < 4; ++round) {
      for (const [stage, reach] of Object.entries(kStages)) {
        await times(20, async (i) => {
          const peer = new Peer(broker.port);
          await reach(peer).catch((error) => assert.fail(`${stage}: ${error.message}`));
          if (i % 2 === 0) peer.reset();
          else peer.socket.destroy(); // FIN; and RST for what was not read
        });
      }
      await broker.recovered(usage);
      first ??= broker.usage();
    }
    await broker.recovered(first, { bytes: 4 * kMiB });
    await witness.check();
  });

  it('survives resets of subscribers that are owed much', async () => {
    const publisher = await Client.open(broker.topic('evil/owed', 'mode=pub'));
    const peers = await times(20, () => Peer.open(broker, 'evil/owed'));
    for (const peer of peers) peer.socket.pause();
    for (let i = 0; i < 64; ++i) publisher.send(Buffer.alloc(64 * 1024, i)); // less than any would be closed for
    await publisher.roundTrip();
    for (const peer of peers) peer.reset();
    for (let i = 0; i < 64; ++i) publisher.send(Buffer.alloc(64 * 1024, i));
    await publisher.close(1000);
    await broker.recovered(usage);
    await witness.check();
  });

  it('survives 500 connections of garbage at once', async () => {
    const next = random(20_240_601);
    const garbage = (size) => Buffer.from(Array.from({ length: size }, () => Math.floor(next() * 256)));
    const make = [
      () => garbage(1 + next() * 5000),
      () => Buffer.concat([Buffer.from('GET /topics/'), garbage(1 + next() * 500)]),
      () => Buffer.concat([Buffer.from(handshake('evil/garbage')), garbage(1 + next() * 5000)]),
      () => Buffer.concat([Buffer.from(handshake('evil/garbage')), binaryFrame(garbage(200)), Buffer.of(0x82), garbage(500)]),
      () => Buffer.from(handshake('evil/garbage').replaceAll(/[a-z]/gi, (letter) => (next() < 0.02 ? '\x00' : letter))),
    ];
    const peers = await times(500, (i) => new Peer(broker.port).write(make[i % make.length]()));
    for (const peer of peers) peer.fin();
    for (const peer of peers) await peer.end();
    await broker.recovered(usage);
    await witness.check();
  });

  // `count` messages of 64 KiB that begin with their number, never so far ahead of `heard()` that this process, busy as it
  // is, would be a slow subscriber itself.
  async function flood(on, topic, count, witnessed, heard) {
    const publisher = await Client.open(on.topic(topic, 'mode=pub'));
    for (let i = 0; i < count; ++i) {
      const message = Buffer.alloc(64 * 1024);
      message.writeUInt32LE(i);
      publisher.send(message);
      await witnessed.until(() => heard() > i - 8, () => `message ${i}`);
    }
    await witnessed.until(() => heard() === count, () => `all messages; there were ${heard()}`);
    await publisher.close(1000);
  }

  it('lets subscribers that never read cost a bounded amount, and nobody else a message', async () => {
    const numbers = [];
    const healthy = await Client.open(broker.topic('flood/topic'), { onMessage: (data) => numbers.push(data.readUInt32LE(0)) });
    const dead = await times(3, () => Peer.open(broker, 'flood/topic'));
    for (const peer of dead) peer.socket.pause();
    const before = broker.usage();
    await flood(broker, 'flood/topic', 800, healthy, () => numbers.length); // 50 MiB
    assert.deepEqual(numbers, Array.from({ length: 800 }, (_, i) => i));
    const grown = broker.usage().peak_bytes - before.rss_bytes;
    assert.ok(!broker.measurable || grown < 48 * kMiB, `memory grew by ${Math.round(grown / kMiB)} MiB`);
    await healthy.close(1000);
    await broker.recovered(usage); // they are cut off: they cannot be told
    for (const peer of dead) peer.reset();
    await witness.check();
  });

  it('tells a subscriber that was too slow and reads at last: a beginning without a hole, then 4008', async (t) => {
    const patient = await Broker.of(t, { io, args: [...kPatient.reading, '--max-lag-age', '1h'] });
    let heard = 0;
    const healthy = await Client.open(patient.topic('flood/topic'), { onMessage: () => ++heard });
    const late = await Peer.open(patient, 'flood/topic');
    late.socket.pause();
    await flood(patient, 'flood/topic', 320, healthy, () => heard); // 20 MiB: more than the kernel keeps for it
    late.socket.resume();
    let messages = 0;
    for (;;) {
      const { code, payload } = await late.message();
      if (code === opcode.close) {
        assert.equal(payload.readUInt16BE(0), 4008);
        assert.match(payload.subarray(2).toString(), /slow.*--max-outbox/);
        break;
      }
      assert.equal(payload.readUInt32LE(0), messages++);
    }
    assert.ok(messages > 0 && messages < 320, `${messages} messages`);
    assert.equal(await late.end(), 'FIN');
    await healthy.close(1000);
  });

  it('goes on accepting when descriptors are there again', async (t) => {
    const poor = await Broker.of(t, { io, command: ['sh', '-c', 'ulimit -n 64 && exec "$@"', 'sh'] });
    if (!poor.measurable) return t.skip("the sanitizer's check of virtual calls opens a pipe");
    const first = await Client.open(poor.topic('poor/topic'));
    const crowd = await times(100, () => new Peer(poor.port).connected());
    first.send('still served');
    assert.equal(await first.next(), 'still served');
    for (const peer of crowd) peer.reset();
    assert.equal((await request(`${poor.url}/`)).status, 200);
    await first.close(1000);
  });
});

// Time is what is tested here, so it is so long that nobody who is alive is silent for it, and the backends share it.
const kPingMs = 3000;
const kPongMs = 3000;

describe('the broker among silent peers', { concurrency: backends.length }, () => {
  for (const { io, refused } of backends) {
    it(`finds those that are gone, and pings no others, and nobody too often, on ${io}`, { skip: refused }, async (t) => {
      const broker = await Broker.of(t, { io, args: ['--ping-interval', `${kPingMs}ms`, '--pong-timeout', `${kPongMs}ms`] });
      const usage = broker.usage();
      const alive = await Client.open(broker.topic('ping/alive'), { autoPong: false });
      const pinged = []; // when, before it answered
      alive.ws.on('ping', (payload) => {
        pinged.push(performance.now());
        alive.ws.pong(payload);
      });
      const talking = await Peer.open(broker, 'ping/talking', { query: 'mode=pub' }); // and answers no ping
      const timer = setInterval(() => talking.write(text('here')), 50).unref();
      const mute = await times(20, () => Peer.open(broker, 'ping/mute'));
      const deaf = await times(20, () => Peer.open(broker, 'ping/mute'));
      for (const peer of deaf) peer.socket.pause();
      for (const peer of mute) {
        assert.equal((await peer.frame()).code, opcode.ping);
        await peer.end();
      }
      await eventually(() => pinged.length >= 2, 'pings');
      await broker.recovered({ ...usage, descriptors: usage.descriptors + 2 }); // the deaf too, who cannot be seen to go
      for (const peer of deaf) peer.reset();
      // From a sign of life to the next ping; a fifth for clocks that are read once for many events.
      const gaps = pinged.slice(1).map((at, i) => Math.round(at - pinged[i]));
      assert.ok(gaps.every((gap) => gap > kPingMs * 0.8), `--ping-interval is ${kPingMs} ms; there were ${gaps}`);
      assert.equal(talking.ended, false);
      assert.equal(talking.unread.length, 0, 'who says something anyway is not pinged');
      assert.equal(alive.closed, undefined);
      clearInterval(timer);
      talking.reset();
      await alive.close(1000);
      await broker.recovered(usage);
    });
  }
});
