// Every way to break RFC 6455, and the close code that must come back; and what is odd but right, which must work.

import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { kPatient, onEachBackend } from './broker.mjs';
import { Client } from './client.mjs';
import { startWitnessed, stopWitnessed } from './witness.mjs';
import { Peer, binaryFrame, close, continuation, frame, handshake, opcode, ping, text } from './wire.mjs';

const kMessageMax = 64 * 1024; // --max-message of these tests
const bytes = (...list) => Buffer.from(list.flat());
const join = (...parts) => Buffer.concat(parts);

// [what is wrong, the bytes after the handshake, the close code]
const kViolations = [
  ['an unmasked text', frame(opcode.text, 'x', { mask: false }), 1002],
  ['an unmasked ping', frame(opcode.ping, '', { mask: false }), 1002],
  ['an unmasked close', frame(opcode.close, '', { mask: false }), 1002],
  ['an unmasked frame of a huge claim', frame(opcode.binary, '', { mask: false, length: 64, claim: 1n << 40n }), 1002],
  ...[1, 2, 3, 4, 5, 6, 7].map((rsv) => [`reserved bits ${rsv} on a text`, text('x', { rsv }), 1002]),
  ...[1, 2, 4].map((rsv) => [`reserved bit ${rsv} on a ping`, ping('', { rsv }), 1002]),
  ['a reserved bit on a continuation', join(text('x', { fin: false }), continuation('y', { rsv: 4 })), 1002],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((code) => [`reserved opcode ${code}`, frame(code, 'x'), 1002]),
  ['5 bytes with a 16-bit length', text('hello', { length: 16 }), 1002],
  ['125 bytes with a 16-bit length', text('x'.repeat(125), { length: 16 }), 1002],
  ['0 bytes with a 64-bit length', text('', { length: 64 }), 1002],
  ['126 bytes with a 64-bit length', text('x'.repeat(126), { length: 64 }), 1002],
  ['65535 bytes with a 64-bit length', binaryFrame(Buffer.alloc(65535), { length: 64 }), 1002],
  ['a 64-bit length with its highest bit', text('', { length: 64, claim: 1n << 63n }), 1002],
  ['a 64-bit length of all ones', text('', { length: 64, claim: (1n << 64n) - 1n }), 1002],
  ['a ping of 126 bytes', ping('x'.repeat(126)), 1002],
  ['a pong of 126 bytes', frame(opcode.pong, 'x'.repeat(126)), 1002],
  ['a ping of 10 bytes with a 16-bit length', ping('x'.repeat(10), { length: 16 }), 1002],
  ['a close of 126 bytes', frame(opcode.close, join(bytes(3, 232), Buffer.alloc(124, 'x'))), 1002],
  ['a fragmented ping', ping('', { fin: false }), 1002],
  ['a fragmented pong', frame(opcode.pong, '', { fin: false }), 1002],
  ['a fragmented close', frame(opcode.close, '', { fin: false }), 1002],
  ['a continuation of nothing', continuation('x'), 1002],
  ['a continuation of nothing that goes on', continuation('x', { fin: false }), 1002],
  ['a continuation of a finished message', join(text('x', { fin: false }), continuation('y'), continuation('z')), 1002],
  ['a text inside a fragmented text', join(text('x', { fin: false }), text('y')), 1002],
  ['a binary inside a fragmented text', join(text('x', { fin: false }), binaryFrame('y')), 1002],
  ['a text inside a fragmented binary, after a ping', join(binaryFrame('x', { fin: false }), ping(), text('y')), 1002],
  ['a close with half a code', frame(opcode.close, bytes(3)), 1002],
  ...[0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 65535].map((code) => [
    `close code ${code}`,
    close(code),
    1002,
  ]),
  ['a close reason that is not UTF-8', close(1000, bytes(0x61, 0xff)), 1007],
  ['a close reason that ends inside a character', close(1000, bytes(0xe2, 0x82)), 1007],
  ['a lone continuation byte', text(bytes(0x80)), 1007],
  ['an overlong slash in two bytes', text(bytes(0xc0, 0xaf)), 1007],
  ['an overlong slash in three', text(bytes(0xe0, 0x80, 0xaf)), 1007],
  ['an overlong slash in four', text(bytes(0xf0, 0x80, 0x80, 0xaf)), 1007],
  ['a surrogate', text(bytes(0xed, 0xa0, 0x80)), 1007],
  ['a character above U+10FFFF', text(bytes(0xf4, 0x90, 0x80, 0x80)), 1007],
  ['a lead byte of five', text(bytes(0xf8, 0x88, 0x80, 0x80, 0x80)), 1007],
  ['bytes fe and ff', text(bytes(0xfe, 0xff)), 1007],
  ['a text that ends inside a character', text(bytes(0x61, 0xe2, 0x82)), 1007],
  ['a character broken between fragments', join(text(bytes(0xe2, 0x82), { fin: false }), continuation('x')), 1007],
  ['a character unfinished at the last, empty fragment', join(text(bytes(0xe2), { fin: false }), continuation()), 1007],
  ['a wrong byte long before the end', text(join(bytes(0xff), Buffer.alloc(40000, 'x'))), 1007],
  ['a message of a byte too many', binaryFrame(Buffer.alloc(kMessageMax + 1)), 1009],
  ['fragments of a byte too many', join(binaryFrame(Buffer.alloc(kMessageMax), { fin: false }), continuation('x')), 1009],
  ['the claim of a large message', binaryFrame('', { length: 64, claim: 1n << 62n }), 1009],
];

// What must be refused before the frame has ended: the rest is never sent.
const kFailFast = [
  ['a wrong byte in a text that goes on', text(bytes(0x6f, 0x6b, 0xff), { claim: 1000, length: 16 }), 1007],
  ['a wrong byte in a fragment that goes on', text(bytes(0xff), { fin: false, claim: 100, length: 7 }), 1007],
  ['half a surrogate', text(bytes(0xed, 0xa0), { claim: 100, length: 7 }), 1007],
  ['half a character too large', text(bytes(0xf4, 0x90), { claim: 100, length: 7 }), 1007],
  ['half an overlong one', text(bytes(0xe0, 0x80), { claim: 100, length: 7 }), 1007],
  ['a close code before its reason', frame(opcode.close, bytes(0, 0), { claim: 100, length: 7 }), 1002],
  ['a wrong byte in a reason that goes on', frame(opcode.close, bytes(3, 232, 0xff), { claim: 100, length: 7 }), 1007],
  ['a first byte with reserved bits', bytes(0xb1), 1002],
  ['a first byte with a reserved opcode', bytes(0x83), 1002],
  ['a first byte of a fragmented control', bytes(0x09), 1002],
  ['two bytes of a long ping', bytes(0x89, 0xfe), 1002],
];

onEachBackend('the broker against broken frames', (io) => {
  let witnessed;
  let broker;
  before(async () => {
    witnessed = await startWitnessed({ io, args: ['--max-message', `${kMessageMax}B`, ...kPatient.lingering] });
    ({ broker } = witnessed);
  });
  after(() => stopWitnessed(witnessed));

  // The close frame comes, with a reason for people, and then an orderly end: no reset that could swallow it.
  async function assertClosed(peer, code, what) {
    const answer = await peer.closeFrame();
    assert.equal(answer.code, code, `${what}: ${JSON.stringify(answer)}`);
    assert.ok(answer.reason.length > 0, `${what}: a reason`);
    assert.equal(await peer.end(), 'FIN', what);
  }

  it('closes with the code that RFC 6455 asks for, whole or byte by byte', async () => {
    for (const [what, violation, code] of kViolations) {
      const whole = await Peer.open(broker, 'evil/frames');
      whole.write(violation);
      await assertClosed(whole, code, what);

      const slow = await Peer.open(broker, 'evil/frames');
      for (const byte of violation.subarray(0, 300)) slow.write(bytes(byte));
      slow.write(violation.subarray(300));
      await assertClosed(slow, code, `${what}, byte by byte`);
    }
    await witnessed.witness.check();
  });

  it('does not wait for the rest of what is wrong already', async () => {
    for (const [what, violation, code] of kFailFast) {
      const peer = await Peer.open(broker, 'evil/frames');
      peer.write(violation);
      await assertClosed(peer, code, what);
    }
  });

  it('says 1009 to a peer that is still sending', async () => {
    for (const claim of [kMessageMax + 1, 8 * 1024 * 1024]) {
      const peer = await Peer.open(broker, 'evil/flood');
      peer.write(binaryFrame('', { claim, length: 64 }));
      for (let i = 0; i < 128; ++i) peer.write(Buffer.alloc(64 * 1024, i));
      await assertClosed(peer, 1009, `${claim} bytes`);
    }
  });

  it('says 1008 to who sends where nobody may', async () => {
    for (const filter of ['evil/+', 'evil/#', '$broker/stats']) {
      const peer = await Peer.open(broker, filter);
      peer.write(text('x'));
      await assertClosed(peer, 1008, filter);
    }
  });

  it('sends nothing after its close frame, whatever comes', async () => {
    const peer = await Peer.open(broker, 'evil/after');
    const listener = await Client.open(broker.topic('evil/after'));
    peer.write(join(text('before'), close(1000), text('after'), ping('after'), bytes(0xff, 0xff)));
    const { code } = await peer.closeFrame();
    assert.equal(code, 1000);
    assert.equal(await peer.end(), 'FIN');
    assert.equal(peer.received.length, 0);
    listener.send('end');
    assert.deepEqual(await listener.has(2), ['before', 'end'], 'what came before the close was published, nothing after it');
    await listener.close(1000);
  });

  it('answers each code that may be sent with itself, and none with none', async () => {
    for (const code of [undefined, 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]) {
      const peer = await Peer.open(broker, 'evil/close');
      peer.write(close(code, code === undefined ? '' : 'x'.repeat(123)));
      assert.deepEqual(await peer.closeFrame(), { code: code ?? 1005, reason: '' });
      assert.equal(await peer.end(), 'FIN');
    }
  });

  it('reads frames that are cut at any byte', async () => {
    const peer = await Peer.open(broker, 'evil/cut');
    const pacer = await Client.open(broker.topic('evil/pacer'));
    const payload = 'é🛰'.repeat(20); // 120 bytes
    const stream = join(text('a'), text(payload + payload), ping('beat'), text('', { fin: false }), continuation(payload));
    for (let cut = 1; cut < stream.length; ++cut) {
      peer.write(stream.subarray(0, cut));
      if (cut % 8 < 2) await pacer.roundTrip(); // the broker has surely seen the first part
      else await peer.flushed();
      peer.write(stream.subarray(cut));
      const got = [await peer.message(), await peer.message(), await peer.message(), await peer.message()];
      assert.deepEqual(
        got.map(({ code, payload: data }) => `${code} ${data}`).sort(),
        [`1 a`, `1 ${payload + payload}`, `10 beat`, `1 ${payload}`].sort(),
        `cut at ${cut}`,
      );
    }
    peer.reset();
    await pacer.close(1000);
  });

  it('joins characters that are split between fragments and segments', async () => {
    const peer = await Peer.open(broker, 'evil/split');
    const payload = Buffer.from('aé€🛰z');
    for (let first = 0; first <= payload.length; ++first) {
      for (let second = first; second <= payload.length; ++second) {
        peer.write(text(payload.subarray(0, first), { fin: false }));
        peer.write(join(ping('between'), continuation(payload.subarray(first, second), { fin: false })));
        peer.write(continuation(payload.subarray(second)));
        const got = [await peer.message(), await peer.message()]; // the pong may overtake the message, or not
        assert.deepEqual(got.map(({ code, payload: data }) => `${code} ${data}`).sort(), [`1 ${payload}`, `${opcode.pong} between`]);
      }
    }
    peer.reset();
  });

  it('reads many frames in one segment, and the first together with the handshake', async () => {
    const peer = new Peer(broker.port);
    const many = Array.from({ length: 100 }, (_, i) => text(`message ${i}`));
    peer.write(join(Buffer.from(handshake('evil/many')), text('first'), ...many));
    assert.match(await peer.head(), /^HTTP\/1\.1 101 /);
    assert.equal((await peer.message()).payload.toString(), 'first');
    for (let i = 0; i < 100; ++i) assert.equal((await peer.message()).payload.toString(), `message ${i}`);
    peer.reset();
  });

  it('takes pongs that nobody asked for, empty fragments, and a message of exactly the limit', async () => {
    const peer = await Peer.open(broker, 'evil/odd');
    peer.write(frame(opcode.pong, 'unasked'));
    peer.write(join(text('', { fin: false }), ...Array(1000).fill(continuation('', { fin: false })), continuation('end')));
    assert.equal((await peer.message()).payload.toString(), 'end');
    peer.write(join(binaryFrame(Buffer.alloc(kMessageMax - 1), { fin: false }), continuation('x')));
    assert.equal((await peer.message()).payload.length, kMessageMax);
    peer.reset();
  });
});
