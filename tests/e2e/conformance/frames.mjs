// Streams of frames and what RFC 6455 has a server make of them.
//
// A row: {what, send, data: [[opcode, payload]…] that is echoed, pongs, code: the close code; none if the stream is right;
// plainOnly: it means something else where permessage-deflate was negotiated}.

import { binaryFrame, close, continuation, frame, opcode, ping, text } from '../wire.mjs';

export const kMessageMax = 128 * 1024; // --max-message, bytes

const bytes = (...list) => Buffer.from(list.flat());
const join = (...parts) => Buffer.concat(parts);
const letters = (size) => Buffer.alloc(size, 'abcdefghijklmnopqrstuvwxyz');
const pong = (payload, options) => frame(opcode.pong, payload, options);
const { text: kText, binary: kBinary } = opcode;
const unfinished = { fin: false };

// A frame masked with any key, written out here so that masking is not tested by itself.
function masked(code, payload, key) {
  const head = payload.length < 126 ? bytes(0x80 | code, 0x80 | payload.length) : bytes(0x80 | code, 0xfe, payload.length >> 8, payload.length & 255);
  return join(head, key, Buffer.from(payload.map((byte, i) => byte ^ key[i % 4])));
}

// §5.2: lengths at the edges of each form.
const kSizes = [0, 1, 2, 124, 125, 126, 127, 128, 129, 254, 255, 256, 1000, 4095, 4096, 32767, 65534, 65535, 65536, 65537, 100_000];
const lengths = kSizes.flatMap((size) => [
  { what: `§5.6 a text of ${size} bytes`, send: text(letters(size)), data: [[kText, letters(size)]] },
  { what: `§5.6 a binary of ${size} bytes`, send: binaryFrame(letters(size)), data: [[kBinary, letters(size)]] },
]);

// §5.2: "the minimal number of bytes MUST be used to encode the length".
const notMinimal = [
  [0, 16], [1, 16], [124, 16], [125, 16], [0, 64], [1, 64], [125, 64], [126, 64], [127, 64], [65534, 64], [65535, 64],
].flatMap(([size, length]) => [
  { what: `§5.2 ${size} bytes of text in ${length} bits`, send: text(letters(size), { length }), code: 1002 },
  { what: `§5.2 ${size} bytes of binary in ${length} bits`, send: binaryFrame(letters(size), { length }), code: 1002 },
]);

const kKeys = [[0, 0, 0, 0], [255, 255, 255, 255], [0x37, 0xfa, 0x21, 0x3d], [1, 0, 0, 0], [0, 0, 0, 1], [0x80, 0x40, 0x20, 0x10]];
const masking = [
  ...kKeys.flatMap((key) =>
    [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 300].map((size) => ({
      what: `§5.3 ${size} bytes under the key ${key}`,
      send: join(masked(kBinary, letters(size), Buffer.from(key)), masked(kText, letters(size), Buffer.from(key))),
      data: [[kBinary, letters(size)], [kText, letters(size)]],
    })),
  ),
  // Frames of 1 to 8 bytes before it put the payload at every alignment in the receive buffer.
  ...[1, 2, 3, 4, 5, 6, 7, 8].map((size) => ({
    what: `§5.3 a payload behind a ping of ${size} bytes`,
    send: join(masked(opcode.ping, letters(size), bytes(9, 8, 7, 6)), masked(kText, letters(100), bytes(1, 2, 3, 4))),
    data: [[kText, letters(100)]],
    pongs: [letters(size)],
  })),
  ...[kText, kBinary, opcode.continuation, opcode.close, opcode.ping, opcode.pong].map((code) => ({
    what: `§5.1 opcode ${code} unmasked`,
    send: frame(code, code === opcode.close ? bytes(3, 232) : '', { mask: false }),
    code: 1002,
  })),
  { what: '§5.1 unmasked after a masked one', send: join(text('a'), text('b', { mask: false })), data: [[kText, 'a']], code: 1002 },
];

const reserved = [
  ...[1, 2, 3, 4, 5, 6, 7].flatMap((rsv) => [
    { what: `§5.2 RSV ${rsv} on a text`, send: text('x', { rsv }), code: 1002, plainOnly: rsv === 4 },
    { what: `§5.2 RSV ${rsv} on an empty binary`, send: binaryFrame('', { rsv }), code: 1002, plainOnly: rsv === 4 },
    { what: `§5.2 RSV ${rsv} on a ping`, send: ping('x', { rsv }), code: 1002 },
    { what: `§5.2 RSV ${rsv} on a pong`, send: pong('', { rsv }), code: 1002 },
    { what: `§5.2 RSV ${rsv} on a close`, send: frame(opcode.close, bytes(3, 232), { rsv }), code: 1002 },
    { what: `§5.2 RSV ${rsv} on a continuation`, send: join(text('x', unfinished), continuation('y', { rsv })), code: 1002 },
    { what: `§5.2 RSV ${rsv} after a good message`, send: join(text('good'), text('x', { rsv }), ping()), data: [[kText, 'good']], code: 1002, plainOnly: rsv === 4 },
  ]),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((code) => [
    { what: `§5.2 opcode ${code}`, send: frame(code, ''), code: 1002 },
    { what: `§5.2 opcode ${code} with a payload`, send: frame(code, 'reserved'), code: 1002 },
    { what: `§5.2 opcode ${code} between two messages`, send: join(text('a'), frame(code, 'x'), text('b')), data: [[kText, 'a']], code: 1002 },
    { what: `§5.2 opcode ${code} inside a message`, send: join(text('a', unfinished), frame(code, ''), continuation('b')), code: 1002 },
  ]),
];

const controls = [
  ...[0, 1, 2, 64, 124, 125].map((size) => ({ what: `§5.5.2 a ping of ${size} bytes`, send: ping(letters(size)), pongs: [letters(size)] })),
  { what: '§5.5.2 a ping of bytes that are no text', send: ping(bytes(0, 255, 254, 128, 13, 10)), pongs: [bytes(0, 255, 254, 128, 13, 10)] },
  ...[126, 127, 200].flatMap((size) => [
    { what: `§5.5 a ping of ${size} bytes`, send: ping(letters(size)), code: 1002 },
    { what: `§5.5 a pong of ${size} bytes`, send: pong(letters(size)), code: 1002 },
    { what: `§5.5 a close of ${size} bytes`, send: frame(opcode.close, join(bytes(3, 232), letters(size - 2))), code: 1002 },
  ]),
  { what: '§5.5 a ping with its length in 64 bits', send: ping('x', { length: 64 }), code: 1002 },
  ...[opcode.ping, opcode.pong, opcode.close].map((code) => ({ what: `§5.5 opcode ${code} fragmented`, send: frame(code, '', unfinished), code: 1002 })),
  { what: '§5.5.3 a pong that nobody asked for', send: join(pong(), pong('unasked'), text('next')), data: [[kText, 'next']] },
  { what: '§5.5.3 a pong, then a ping', send: join(pong('a'), ping('b')), pongs: ['b'] },
  { what: '§5.5.2 pings in a row', send: join(...letters(8).toString().split('').map((c) => ping(c))), pongs: letters(8).toString().split('') },
  { what: '§5.5.2 many pings in a row', send: join(...Array.from({ length: 50 }, (_, i) => ping(`${i}`))), pongs: Array.from({ length: 50 }, (_, i) => `${i}`) },
];

const fragments = [
  { what: '§5.4 two fragments', send: join(text('a', unfinished), continuation('b')), data: [[kText, 'ab']] },
  { what: '§5.4 two fragments of binary', send: join(binaryFrame(bytes(0, 1), unfinished), continuation(bytes(255))), data: [[kBinary, bytes(0, 1, 255)]] },
  { what: '§5.4 an empty first fragment', send: join(text('', unfinished), continuation('b')), data: [[kText, 'b']] },
  { what: '§5.4 an empty last fragment', send: join(text('a', unfinished), continuation('')), data: [[kText, 'a']] },
  { what: '§5.4 nothing but empty fragments', send: join(text('', unfinished), continuation('', unfinished), continuation('')), data: [[kText, '']] },
  { what: '§5.4 a fragment for each letter', send: join(text('', unfinished), ...letters(26).toString().split('').map((c) => continuation(c, unfinished)), continuation('')), data: [[kText, letters(26)]] },
  { what: '§5.4 a ping between', send: join(text('a', unfinished), ping('p'), continuation('b')), data: [[kText, 'ab']], pongs: ['p'] },
  { what: '§5.4 a pong between', send: join(text('a', unfinished), pong('p'), continuation('b')), data: [[kText, 'ab']] },
  { what: '§5.4 pings everywhere', send: join(ping('1'), binaryFrame('a', unfinished), ping('2'), continuation('', unfinished), ping('3'), continuation('b'), ping('4')), data: [[kBinary, 'ab']], pongs: ['1', '2', '3', '4'] },
  { what: '§5.4 one fragmented message after the other', send: join(text('a', unfinished), continuation('b'), binaryFrame('c', unfinished), continuation('d')), data: [[kText, 'ab'], [kBinary, 'cd']] },
  { what: '§5.4 a continuation of nothing', send: continuation('x'), code: 1002 },
  { what: '§5.4 an empty continuation of nothing', send: continuation(''), code: 1002 },
  { what: '§5.4 a continuation of nothing that goes on', send: join(continuation('x', unfinished), continuation('y')), code: 1002 },
  { what: '§5.4 a continuation after a whole message', send: join(text('a'), continuation('b')), data: [[kText, 'a']], code: 1002 },
  { what: '§5.4 a continuation after the last one', send: join(text('a', unfinished), continuation('b'), continuation('c')), data: [[kText, 'ab']], code: 1002 },
  { what: '§5.4 a continuation after a ping', send: join(ping('p'), continuation('x')), pongs: ['p'], code: 1002 },
  { what: '§5.4 a text inside a text', send: join(text('a', unfinished), text('b')), code: 1002 },
  { what: '§5.4 a binary inside a text', send: join(text('a', unfinished), binaryFrame('b')), code: 1002 },
  { what: '§5.4 a text inside a binary', send: join(binaryFrame('a', unfinished), text('b', unfinished)), code: 1002 },
  { what: '§5.4 a text inside a text after a continuation', send: join(text('a', unfinished), continuation('b', unfinished), text('c')), code: 1002 },
];

const kMaySend = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3001, 3999, 4000, 4001, 4998, 4999];
const kMayNotSend = [0, 1, 100, 999, 1004, 1005, 1006, 1015, 1016, 1017, 1099, 1100, 1999, 2000, 2001, 2998, 2999, 5000, 5001, 9999, 32768, 65535];
const closes = [
  { what: '§5.5.1 a close without a body', send: close(), code: 1005 },
  ...kMaySend.flatMap((code) => [
    { what: `§7.4 close ${code}`, send: close(code), code },
    { what: `§7.4 close ${code} with a reason`, send: close(code, 'wiedersehn ✓'), code },
  ]),
  ...kMayNotSend.flatMap((code) => [
    { what: `§7.4 close ${code}`, send: close(code), code: 1002 },
    { what: `§7.4 close ${code} with a reason`, send: close(code, 'why not'), code: 1002 },
  ]),
  { what: '§5.5.1 a close of one byte', send: frame(opcode.close, bytes(3)), code: 1002 },
  { what: '§5.5.1 a close of one zero byte', send: frame(opcode.close, bytes(0)), code: 1002 },
  { what: '§5.5.1 a reason of 123 bytes', send: close(1000, letters(123)), code: 1000 },
  { what: '§5.5.1 a reason that is not UTF-8', send: close(1000, bytes(0xff)), code: 1007 },
  { what: '§5.5.1 a reason that is cut inside a character', send: close(1000, bytes(0x61, 0xc3)), code: 1007 },
  { what: '§5.5.1 a reason with a surrogate', send: close(1000, bytes(0xce, 0xba, 0xed, 0xa0, 0x80)), code: 1007 },
  { what: '§5.5.1 a reason with an overlong character', send: close(1001, bytes(0xc0, 0x80)), code: 1007 },
  { what: '§5.5.1 no data after a close', send: join(close(1000), text('late')), code: 1000 },
  { what: '§5.5.1 no answer to a ping after a close', send: join(close(1000), ping('late')), code: 1000 },
  { what: '§5.5.1 a second close', send: join(close(1001), close(1000)), code: 1001 },
  { what: '§5.5.1 garbage after a close', send: join(close(3000), bytes(0xff, 0xff, 0xff, 0xff)), code: 3000 },
  { what: '§5.5.1 half a frame after a close', send: join(close(1000), text('half').subarray(0, 3)), code: 1000 },
  { what: '§5.4 a close inside a message', send: join(text('a', unfinished), close(1000)), code: 1000 },
  { what: '§5.4 a close inside a message that goes on behind it', send: join(text('a', unfinished), close(1000), continuation('b')), code: 1000 },
  { what: '§5.5.1 a close after a ping', send: join(ping('p'), close(1000)), pongs: ['p'], code: 1000 },
];

const many = Array.from({ length: 100 }, (_, i) => `message ${i}`);
const together = [
  { what: '§5 a hundred messages in one segment', send: join(...many.map((one) => text(one))), data: many.map((one) => [kText, one]) },
  { what: '§5 text and binary by turns', send: join(...many.map((one, i) => (i % 2 ? text(one) : binaryFrame(one)))), data: many.map((one, i) => [i % 2 ? kText : kBinary, one]) },
  { what: '§5 a good message before a bad one', send: join(text('good'), frame(3, '')), data: [[kText, 'good']], code: 1002 },
  { what: '§5 HTTP where a frame should be', send: Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'), code: 1002 },
  { what: '§5.2 a length with its highest bit', send: text('', { length: 64, claim: 1n << 63n }), code: 1002 },
  { what: '§5.2 a length of all ones', send: binaryFrame('', { length: 64, claim: (1n << 64n) - 1n }), code: 1002 },
];

const sizes = [
  { what: '§10.4 a message of the limit', send: binaryFrame(letters(kMessageMax)), data: [[kBinary, letters(kMessageMax)]] },
  { what: '§10.4 a text of the limit', send: text(letters(kMessageMax)), data: [[kText, letters(kMessageMax)]] },
  { what: '§10.4 one of the limit in fragments', send: join(binaryFrame(letters(kMessageMax - 1), unfinished), continuation('', unfinished), continuation(letters(1))), data: [[kBinary, join(letters(kMessageMax - 1), letters(1))]] },
  { what: '§7.4.1 a byte more', send: binaryFrame(letters(kMessageMax + 1)), code: 1009 },
  { what: '§7.4.1 a byte more in fragments', send: join(text(letters(kMessageMax), unfinished), continuation('x')), code: 1009 },
  { what: '§7.4.1 the promise of a byte more', send: binaryFrame('', { length: 64, claim: kMessageMax + 1 }), code: 1009 },
  { what: '§7.4.1 the promise of 2^32 bytes', send: binaryFrame('', { length: 64, claim: 1n << 32n }), code: 1009 },
  { what: '§7.4.1 the promise of 2^63 - 1 bytes', send: text('', { length: 64, claim: (1n << 63n) - 1n }), code: 1009 },
];

export const kFrames = [...lengths, ...notMinimal, ...masking, ...reserved, ...controls, ...fragments, ...closes, ...together, ...sizes];
