// permessage-deflate (RFC 7692): offers and their answers, and compressed streams. The compressor is Node's zlib.

import { constants, deflateRawSync } from 'node:zlib';
import { continuation, frame, opcode, ping, text } from '../wire.mjs';
import { kMessageMax } from './frames.mjs';
import { kBad, kGood } from './utf8.mjs';

const { text: kText, binary: kBinary } = opcode;
const kRsv1 = 4;
export const kCompressing = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_no_context_takeover' };
const hex = (digits) => Buffer.from(digits.replaceAll(' ', ''), 'hex');
const join = (...parts) => Buffer.concat(parts);
const unfinished = { fin: false };

// §7.2.1: flushed, without the tail.
function deflated(payload, options = {}) {
  const whole = deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH, ...options });
  return whole.subarray(0, whole.length - 4);
}

const first = (code, payload, options = {}) => frame(code, payload, { rsv: kRsv1, ...options });
const json = (size) => Buffer.from(`{"px":${'19.25,'.repeat(size)}0}`.slice(0, size));
const noise = (size) => Buffer.from(Array.from({ length: size }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 13) & 255));

const always = /^permessage-deflate(;|$)/;
const server = /; ?server_no_context_takeover\b/;
// §7.1.2.1: as asked for, or smaller.
const bits = (count) => [always, new RegExp(`; ?server_max_window_bits=(${Array.from({ length: count - 8 }, (_, i) => i + 9).join('|')})(;|$)`)];

// {what, offer, accepts: patterns of the answer, or false}
export const kOffers = [
  ['§7.1 plain', 'permessage-deflate', [always, server]],
  ['§7.1.1.1', 'permessage-deflate; server_no_context_takeover', [always, server]],
  ['§7.1.1.2', 'permessage-deflate; client_no_context_takeover', [always, server]],
  ['§7.1.2.2 as browsers do', 'permessage-deflate; client_max_window_bits', [always, server]],
  ['§7.1.2.2 with a value', 'permessage-deflate; client_max_window_bits=10', [always, server]],
  ...[9, 10, 11, 12, 13, 14, 15].map((count) => [`§7.1.2.1 ${count}`, `permessage-deflate; server_max_window_bits=${count}`, bits(count)]),
  ['§7.1.2.1 8, which zlib lacks', 'permessage-deflate; server_max_window_bits=8', false],
  ['§7.1.2.2 8', 'permessage-deflate; client_max_window_bits=8', [always, server]],
  ['§7.1 spaces and capitals in values', 'permessage-deflate ;\tserver_max_window_bits = 10 ; client_max_window_bits', bits(10)],
  ['§7.1 all four', 'permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15; client_max_window_bits=15', [always, server]],
  ['§5.1 three offers, the last one good', 'permessage-deflate; other=1, permessage-deflate; server_max_window_bits=7, permessage-deflate; client_max_window_bits', [always, server]],
  ['§7.1.2.1 in quotes', 'permessage-deflate; server_max_window_bits="12"', bits(12)],
  ['§5.1 the second offer', 'permessage-deflate; server_max_window_bits=99, permessage-deflate', [always]],
  ['§5.1 behind another extension', 'x-other; a=1, permessage-deflate', [always]],
  ['§7.1 unknown', 'permessage-deflate; other', false],
  ['§7.1 a name that is another', 'permessage-deflates', false],
  ['§7.1.1.1 with a value', 'permessage-deflate; server_no_context_takeover=1', false],
  ['§7.1.1.1 twice', 'permessage-deflate; server_no_context_takeover; server_no_context_takeover', false],
  ['§7.1.1.2 with a value', 'permessage-deflate; client_no_context_takeover=0', false],
  ['§7.1.1.2 twice', 'permessage-deflate; client_no_context_takeover; client_no_context_takeover', false],
  ['§7.1.2.1 without a value', 'permessage-deflate; server_max_window_bits', false],
  ['§7.1.2.1 twice', 'permessage-deflate; server_max_window_bits=10; server_max_window_bits=11', false],
  ...['7', '16', '0', '010', '-10', '1e1', 'x'].flatMap((value) => [
    [`§7.1.2.1 ${value}`, `permessage-deflate; server_max_window_bits=${value}`, false],
    [`§7.1.2.2 ${value}`, `permessage-deflate; client_max_window_bits=${value}`, false],
  ]),
].map(([what, offer, accepts]) => ({ what, offer, accepts }));

const good = (what, send, ...data) => ({ what, send, data });
const bad = (what, send, code) => ({ what, send, code });

export const kCompressed = [
  good('§7.2.3.1 one frame', first(kText, hex('f248cdc9c90700')), [kText, 'Hello']),
  good('§7.2.3.1 two frames', join(first(kText, hex('f248cd'), unfinished), continuation(hex('c9c90700'))), [kText, 'Hello']),
  good('§7.2.3.3 a stored block', first(kText, hex('000500faff48656c6c6f00')), [kText, 'Hello']),
  good('§7.2.3.4 BFINAL', first(kText, hex('f348cdc9c9070000')), [kText, 'Hello']),
  good('§7.2.3.5 two blocks', first(kText, hex('f248050000 00ffffcac9c90700')), [kText, 'Hello']),
  good('§7.2.3.6 nothing', first(kText, hex('00')), [kText, '']),
  good('§7.2.3.6 empty stored blocks', first(kBinary, hex('000000ffff 000000ffff 00')), [kBinary, '']),
  good('§6 plain and compressed by turns', join(text('a'), first(kText, deflated('b')), text('c')), [kText, 'a'], [kText, 'b'], [kText, 'c']),
  { ...good('§6.1 a ping between', join(first(kText, hex('f248cd'), unfinished), ping('p'), continuation(hex('c9c90700'))), [kText, 'Hello']), pongs: ['p'] },
  good('§6.1 empty fragments', join(first(kText, '', unfinished), continuation(hex('f248cdc9c90700'), unfinished), continuation('')), [kText, 'Hello']),
  good('§6.1 a frame for each byte', join(first(kText, '', unfinished), ...[...hex('f248cdc9c90700')].map((byte) => continuation(Buffer.of(byte), unfinished)), continuation('')), [kText, 'Hello']),
  ...[1, 16, 64, 256, 1024, 4096, 16384, 65536, kMessageMax].flatMap((size) => [
    ...[1, 6, 9].map((level) => good(`§7.2 ${size} bytes of text at level ${level}`, first(kText, deflated(json(size), { level })), [kText, json(size)])),
    good(`§7.2 ${size} bytes of noise`, first(kBinary, deflated(noise(size))), [kBinary, noise(size)]),
    good(`§7.2 ${size} bytes stored`, first(kBinary, deflated(noise(size), { level: 0 })), [kBinary, noise(size)]),
    good(`§7.2 ${size} bytes by fixed codes`, first(kText, deflated(json(size), { strategy: constants.Z_FIXED })), [kText, json(size)]),
  ]),
  ...[9, 10, 11, 12, 13, 14, 15].map((windowBits) => good(`§7.1.2.2 a window of ${windowBits} bits`, first(kText, deflated(json(40000), { windowBits })), [kText, json(40000)])),
  bad('§6.1 RSV1 on a ping', ping('', { rsv: kRsv1 }), 1002),
  bad('§6.1 RSV1 on a close', frame(opcode.close, hex('03e8'), { rsv: kRsv1 }), 1002),
  bad('§6.1 RSV1 on a continuation', join(first(kText, hex('f248cd'), unfinished), continuation(hex('c9c90700'), { rsv: kRsv1 })), 1002),
  bad('§6.1 RSV1 on the continuation of a plain message', join(text('a', unfinished), continuation(hex('f248cdc9c90700'), { rsv: kRsv1 })), 1002),
  ...[1, 2, 3, 5, 6, 7].map((rsv) => bad(`§6 RSV ${rsv}`, frame(kText, hex('f248cdc9c90700'), { rsv }), 1002)),
  bad('§7.2.2 garbage', first(kBinary, 'Hello, world'), 1007),
  bad('§7.2.2 ff', first(kBinary, Buffer.alloc(100, 255)), 1007),
  bad('§7.2.2 a reserved block type', first(kBinary, hex('07')), 1007),
  bad('§7.1.1.2 a context that never was', first(kText, hex('f200110000')), 1007),
  { ...bad('§7.1.1.2 a context that was to be dropped', join(first(kText, hex('f248cdc9c90700')), first(kText, hex('f200110000'))), 1007), data: [[kText, 'Hello']] },
  bad('§7.2.2 half of a message', first(kText, hex('f248cdc9')), 1007),
  bad('§7.2.2 a stored block shorter than it says', first(kBinary, hex('001000efff48656c6c6f')), 1007),
  bad('§7.2.2 a stored block whose length is not confirmed', first(kBinary, hex('00050000ff48656c6c6f00')), 1007),
  ...kGood.map(([what, payload]) => good(`RFC 6455 §8.1 ${what}`, first(kText, deflated(payload)), [kText, payload])),
  ...kBad.map(([what, payload]) => bad(`RFC 6455 §8.1 ${what}`, first(kText, deflated(payload)), 1007)),
  bad('RFC 6455 §7.4.1 a byte more than the limit', first(kBinary, deflated(Buffer.alloc(kMessageMax + 1))), 1009),
  bad('RFC 6455 §10.4 a bomb', first(kBinary, deflated(Buffer.alloc(64 * 1024 * 1024), { level: 9 })), 1009),
  bad('RFC 6455 §10.4 a bomb in fragments', join(first(kBinary, deflated(Buffer.alloc(16 * 1024 * 1024)).subarray(0, 1000), unfinished), continuation(deflated(Buffer.alloc(16 * 1024 * 1024)).subarray(1000))), 1009),
];
