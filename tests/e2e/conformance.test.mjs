// Conformance: the standards as tables of cases, each written from its RFC and not from our code, put to the real binary
// over raw sockets: RFC 6455, plain and with permessage-deflate negotiated, and RFC 7692.
//
// A raw topic echoes what is published to it, so it is the echo server that such cases need.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Broker, kPatient, onEachBackend } from './broker.mjs';
import { kCompressed, kCompressing, kOffers } from './conformance/compression.mjs';
import { kFrames, kMessageMax } from './conformance/frames.mjs';
import { kAccepted, kNotUpgraded, kRefused } from './conformance/handshake.mjs';
import { kTexts } from './conformance/utf8.mjs';
import { Peer, acceptKey, close, handshake, opcode, text } from './wire.mjs';

const kAtOnce = 16; // connections
const kPongsKept = 8; // RFC 6455 §5.5.3: of the pings that were not answered yet the newest must be, older ones may be
const kByteByByte = 200; // bytes, then the rest
const kShort = 16; // bytes: a stream of up to so many is cut at every place

// All rows, several at once; every one that fails is named.
async function judgeAll(rows, judge) {
  const failures = [];
  const rest = rows.values();
  const worker = async () => {
    for (const row of rest) await judge(row).catch((error) => failures.push(`${row.what}: ${error.message}`));
  };
  await Promise.all(Array.from({ length: kAtOnce }, worker));
  assert.deepEqual(failures, []);
}

function field(head, name) {
  return [...head.matchAll(new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*\\r$`, 'gim'))].map(([, value]) => value);
}

// Each short row once for each of its places, in two segments. One shard reads as another: they are for one only.
const atEveryPlace = (rows, shards) =>
  (shards === 1 ? rows : [])
    .filter(({ send }) => send.length <= kShort)
    .flatMap((row) => Array.from({ length: row.send.length - 1 }, (_, i) => ({ ...row, what: `${row.what}, cut at ${i + 1}`, cutAt: i + 1 })));

// What is negotiated, and the rows of frames that mean the same then.
const kModes = {
  plain: { fields: {}, rows: kFrames },
  'with permessage-deflate': { fields: kCompressing, rows: kFrames.filter(({ plainOnly }) => !plainOnly) },
};

// How a row's bytes are sent: as one write, or the first of them one by one.
const kCuts = {
  whole: (bytes) => [bytes],
  'byte by byte': (bytes) => [...bytes.subarray(0, kByteByByte)].map((byte) => Buffer.of(byte)).concat(bytes.subarray(kByteByByte)),
};

for (const shards of [1, 4]) {
  onEachBackend(`conformance with ${shards} shard(s)`, (io) => {
    let broker;
    let topics = 0;
    before(async () => {
      const limits = ['--max-message', `${kMessageMax}B`, '--compress-min', '0B', ...kPatient.lingering];
      broker = await Broker.start({ io, shards, args: limits });
    });
    after(() => broker.stop());

    // A row of frames: what comes back is `data` in its order, `pongs`, then the close frame: also when the stream breaks
    // a rule, what came before that is answered. One that kept all rules is ended by us.
    async function judgeFrames(row, cut, fields = {}) {
      const { send, data = [], pongs = [], code, cutAt } = row;
      const peer = await Peer.open(broker, `conformance/${++topics}`, { fields });
      peer.compressing = fields === kCompressing;
      if (cutAt === undefined) {
        for (const piece of kCuts[cut](send)) peer.write(piece);
      } else {
        peer.write(send.subarray(0, cutAt));
        await new Promise(setImmediate); // so that the broker may see it alone
        peer.write(send.subarray(cutAt));
      }
      const left = { data: [...data], pongs: [...pongs] };
      let asked = false;
      for (;;) {
        if (code === undefined && !asked && left.data.length === 0 && left.pongs.length === 0) {
          peer.write(close(1000));
          asked = true;
        }
        const got = await peer.message();
        if (got.code === opcode.close) {
          const closed = got.payload.length === 0 ? 1005 : got.payload.readUInt16BE(0);
          assert.equal(closed, code ?? 1000, `closed with ${closed} ${got.payload.subarray(2)}`);
          assert.equal(left.data.length, 0, 'closed before all had come back');
          assert.ok(left.pongs.length === 0 || pongs.length > kPongsKept, 'closed before all pings were answered');
          break;
        }
        if (got.code === opcode.pong) {
          const at = left.pongs.findIndex((payload) => got.payload.equals(Buffer.from(payload)));
          assert.ok(at === 0 || (at > 0 && pongs.length > kPongsKept), `a pong of ${got.payload.length} bytes`);
          left.pongs.splice(0, at + 1);
          continue;
        }
        const [expected, payload] = left.data.shift() ?? [];
        assert.equal(got.code, expected, `a message of ${got.payload.length} bytes`);
        assert.ok(got.payload.equals(Buffer.from(payload)), `${got.payload.length} bytes that are others`);
      }
      assert.equal(await peer.end(), 'FIN');
      assert.equal(peer.received.length, 0, 'bytes after the close frame');
    }

    for (const [mode, { fields, rows }] of Object.entries(kModes)) {
      for (const cut of Object.keys(kCuts)) {
        it(`reads ${rows.length} streams of frames by RFC 6455 §5 to §7, ${mode}, ${cut}`, () => judgeAll(rows, (row) => judgeFrames(row, cut, fields)));
      }
    }
    it(`reads ${kTexts.length} texts by RFC 3629`, () => judgeAll(kTexts, (row) => judgeFrames(row, 'whole')));
    const cutFrames = atEveryPlace(kFrames, shards);
    it(`reads ${cutFrames.length} short streams of frames, cut at every place`, () => judgeAll(cutFrames, (row) => judgeFrames(row)));

    it(`accepts ${kAccepted.length} handshakes by RFC 6455 §4.2.1`, () =>
      judgeAll(kAccepted, async ({ send, protocol, parts = [send] }) => {
        const peer = new Peer(broker.port);
        for (const part of parts) peer.write(part);
        const head = await peer.head();
        assert.match(head, /^HTTP\/1\.1 101 /);
        assert.deepEqual(field(head, 'Upgrade').map((value) => value.toLowerCase()), ['websocket'], '§4.2.2 (5.2)');
        assert.deepEqual(field(head, 'Connection').map((value) => value.toLowerCase()), ['upgrade'], '§4.2.2 (5.3)');
        assert.deepEqual(field(head, 'Sec-WebSocket-Accept'), [acceptKey], '§4.2.2 (5.4)');
        assert.deepEqual(field(head, 'Sec-WebSocket-Protocol'), protocol ? [protocol] : [], '§4.2.2 (5.5)');
        assert.deepEqual(field(head, 'Sec-WebSocket-Extensions'), [], '§4.2.2 (5.6)');
        assert.deepEqual(field(head, 'Content-Length'), [], 'RFC 9110 §8.6: none with a 1xx');
        assert.deepEqual(field(head, 'Transfer-Encoding'), [], 'RFC 9112 §6.1: none with a 1xx');
        peer.write(text('open')).write(close(1000));
        assert.equal((await peer.closeFrame()).code, 1000);
        await peer.end();
      }));

    it(`refuses ${kRefused.length} handshakes`, () =>
      judgeAll(kRefused, async ({ send, status, has = [] }) => {
        const peer = new Peer(broker.port).write(send);
        const answer = await peer.response();
        assert.ok([status].flat().includes(answer.status), `${answer.status} ${answer.body}`);
        for (const [name, value] of has) {
          assert.ok(field(answer.head, name).some((found) => value.test(found)), `${name} in ${answer.head}`);
        }
        // Nothing of what stood behind the refused request is answered as a request of its own: at most its own refusal.
        peer.fin();
        await peer.end();
        assert.doesNotMatch(peer.received.toString('latin1'), /^HTTP\/1\.1 [123]/m, 'a second answer');
      }));

    it(`does not upgrade ${kNotUpgraded.length} requests that do not ask for it`, () =>
      judgeAll(kNotUpgraded, async ({ send, status, has = [] }) => {
        const peer = new Peer(broker.port).write(send);
        const answer = await peer.response();
        assert.ok([status].flat().includes(answer.status), `${answer.status} ${answer.body}`);
        for (const [name, value] of has) {
          assert.ok(field(answer.head, name).some((found) => value.test(found)), `${name} in ${answer.head}`);
        }
        peer.reset();
      }));

    describe('RFC 7692', () => {
      it(`accepts and declines ${kOffers.length} offers`, () =>
        judgeAll(kOffers, async ({ offer, accepts }) => {
          const peer = new Peer(broker.port).write(handshake('conformance/offers', { fields: { 'Sec-WebSocket-Extensions': offer } }));
          const head = await peer.head();
          assert.match(head, /^HTTP\/1\.1 101 /);
          const [answer] = field(head, 'Sec-WebSocket-Extensions');
          assert.equal(answer !== undefined, accepts !== false, answer);
          for (const part of accepts || []) assert.match(answer, part);
          peer.reset();
        }));
      for (const cut of Object.keys(kCuts)) {
        it(`reads ${kCompressed.length} compressed streams, ${cut}`, () => judgeAll(kCompressed, (row) => judgeFrames(row, cut, kCompressing)));
      }
      const cutCompressed = atEveryPlace(kCompressed, shards);
      it(`reads ${cutCompressed.length} short compressed streams, cut at every place`, () =>
        judgeAll(cutCompressed, (row) => judgeFrames(row, 'whole', kCompressing)));
      it('sends compressed to who agreed to it, and to nobody else', async () => {
        const compressing = await Peer.open(broker, 'conformance/both', { fields: kCompressing });
        const plain = await Peer.open(broker, 'conformance/both');
        plain.write(text('a'.repeat(1000)));
        const [short, long] = [await compressing.frame(), await plain.frame()];
        assert.deepEqual([short.rsv, long.rsv, long.payload.length], [4, 0, 1000]);
        assert.ok(short.payload.length < 100, `${short.payload.length} bytes`);
        for (const peer of [plain, compressing]) peer.reset();
      });
    });
  });
}
