// Texts that are UTF-8 and texts that are not (RFC 3629; RFC 6455 §8.1: fail with 1007), each in one frame, with a frame
// for each byte, and with good text around it.

import { continuation, opcode, text } from '../wire.mjs';

const hex = (digits) => Buffer.from(digits.replaceAll(' ', ''), 'hex');
const range = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

// RFC 3629 §3, without asking whether the number is a character.
function encoded(point) {
  const tail = (shift) => 0x80 | ((point >> shift) & 0x3f);
  if (point < 0x80) return Buffer.of(point);
  if (point < 0x800) return Buffer.of(0xc0 | (point >> 6), tail(0));
  if (point < 0x10000) return Buffer.of(0xe0 | (point >> 12), tail(6), tail(0));
  return Buffer.of(0xf0 | (point >> 18), tail(12), tail(6), tail(0));
}
const name = (point) => `U+${point.toString(16).toUpperCase().padStart(4, '0')}`;

export const kGood = [
  ['Greek', Buffer.from('κόσμε')],
  ['all sizes', Buffer.from('aé€🛰z')],
  ['ASCII with NUL and DEL', hex('00 01 7f 41')],
  ['64 letters, then others', Buffer.from('x'.repeat(64) + '€'.repeat(30))],
  // First and last of each size, and what stands beside what may not be there.
  ...[0, 0x7f, 0x80, 0x7ff, 0x800, 0xfff, 0x1000, 0xcfff, 0xd000, 0xd7ff, 0xe000, 0xfffd, 0x10000, 0x3ffff, 0x40000, 0xfffff, 0x100000, 0x10ffff].map(
    (point) => [name(point), encoded(point)],
  ),
  // Not characters, but valid.
  ...[0xfdd0, 0xfdef, ...range(0, 16).flatMap((plane) => [plane * 0x10000 + 0xfffe, plane * 0x10000 + 0xffff])].map((point) => [
    `the non-character ${name(point)}`,
    encoded(point),
  ]),
];

export const kBad = [
  ['a continuation byte 80', hex('80')],
  ['a continuation byte bf', hex('bf')],
  ...range(2, 7).map((count) => [`${count} continuation bytes`, Buffer.from(Array.from({ length: count }, (_, i) => (i % 2 ? 0xbf : 0x80)))]),
  ['all 64 continuation bytes', Buffer.from(range(0x80, 0xbf))],
  ...range(0xc0, 0xff).map((byte) => [`a lone ${byte.toString(16)}, then a space`, Buffer.of(byte, 0x20)]),
  // Without their last byte.
  ...['c3', 'df', 'e0 a0', 'e2 82', 'ef bf', 'f0 90 80', 'f0 9f 9b', 'f4 8f bf', 'f0 90', 'f4 8f', 'e1', 'f1'].map((digits) => [`${digits} and no more`, hex(digits)]),
  ...['c3', 'e2 82', 'f0 9f 9b'].map((digits) => [`${digits}, then a letter`, Buffer.concat([hex(digits), Buffer.from('a')])]),
  ['beginnings one after the other', hex('c3 e2 82 f0 9f 9b c3')],
  ['fe', hex('fe')],
  ['ff', hex('ff')],
  ['fe fe ff ff', hex('fe fe ff ff')],
  // Overlong.
  ...['c0 af', 'e0 80 af', 'f0 80 80 af', 'f8 80 80 80 af', 'fc 80 80 80 80 af'].map((digits) => [`an overlong slash ${digits}`, hex(digits)]),
  ...['c1 bf', 'e0 9f bf', 'f0 8f bf bf', 'f8 87 bf bf bf', 'fc 83 bf bf bf bf'].map((digits) => [`the largest overlong ${digits}`, hex(digits)]),
  ...['c0 80', 'e0 80 80', 'f0 80 80 80', 'f8 80 80 80 80', 'fc 80 80 80 80 80'].map((digits) => [`an overlong NUL ${digits}`, hex(digits)]),
  // Five and six bytes, and beyond the last character.
  ...['f8 88 80 80 80', 'fb bf bf bf bf', 'fc 84 80 80 80 80', 'fd bf bf bf bf bf'].map((digits) => [`the long form ${digits}`, hex(digits)]),
  ...[0x110000, 0x13ffff, 0x140000, 0x1fffff].map((point) => [name(point), encoded(point)]),
  // Surrogates, alone and in pairs.
  ...[0xd800, 0xd801, 0xdb7f, 0xdb80, 0xdbff, 0xdc00, 0xdf80, 0xdfff].map((point) => [`the surrogate ${name(point)}`, encoded(point)]),
  ...[[0xd800, 0xdc00], [0xd800, 0xdfff], [0xdb7f, 0xdc00], [0xdb80, 0xdfff], [0xdbff, 0xdfff], [0xdc00, 0xd800]].map(([high, low]) => [
    `the surrogates ${name(high)} ${name(low)}`,
    Buffer.concat([encoded(high), encoded(low)]),
  ]),
];

// One frame for each byte, between an empty first and an empty last one.
function byteFrames(payload) {
  const parts = [...payload].map((byte) => continuation(Buffer.of(byte), { fin: false }));
  return Buffer.concat([text('', { fin: false }), ...parts, continuation('')]);
}

const around = (payload) => Buffer.concat([Buffer.from('before é '.repeat(9)), payload, Buffer.from(' € after'.repeat(9))]);

function rows([what, payload], good) {
  const row = (how, send, whole) => ({ what: `§8.1 ${what}, ${how}`, send, ...(good ? { data: [[opcode.text, whole]] } : { code: 1007 }) });
  return [
    row('in one frame', text(payload), payload),
    row('byte by byte', byteFrames(payload), payload),
    row('in the middle', text(around(payload)), around(payload)),
  ];
}

export const kTexts = [...kGood.flatMap((one) => rows(one, true)), ...kBad.flatMap((one) => rows(one, false))];
