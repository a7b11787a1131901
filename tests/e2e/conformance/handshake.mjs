// Opening handshakes (RFC 6455 §4.2.1; RFC 9110 and RFC 9112 for the HTTP around them) and their answers.
//
// kAccepted: {what, send, protocol}. kRefused, kNotUpgraded: {what, send, status, has: fields that must be there}.

import { handshake, text } from '../wire.mjs';

const kTarget = '/topics/conformance/handshake';
const kUsual = {
  Host: 'localhost',
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version': '13',
};

// The request of these fields, line by line as given; `fields` replace the usual ones, undefined removes one, `more` are
// added as they are.
function request({ method = 'GET', target = kTarget, version = 'HTTP/1.1', fields = {}, more = [], end = '\r\n' } = {}) {
  const lines = Object.entries({ ...kUsual, ...fields }).filter(([, value]) => value !== undefined);
  return Buffer.from([`${method} ${target} ${version}`, ...lines.map(([name, value]) => `${name}: ${value}`), ...more, '', ''].join(end), 'latin1');
}
const withField = (name, value) => request({ fields: { [name]: value } });
const row = (what, options, rest = {}) => ({ what, send: Buffer.isBuffer(options) ? options : request(options), ...rest });

const kProtocol = 'Sec-WebSocket-Protocol';
const kExtensions = 'Sec-WebSocket-Extensions';

export const kAccepted = [
  row('§1.3 the example', {}),
  row('§4.1 from wire.mjs', Buffer.from(handshake('conformance/handshake'))),
  row('RFC 9110 §5.1 field names in small letters', Buffer.from(request().toString().replace(/^[\w-]+(?=:)/gm, (name) => name.toLowerCase()))),
  row('RFC 9110 §5.1 field names in capitals', Buffer.from(request().toString().replace(/^[\w-]+(?=:)/gm, (name) => name.toUpperCase()))),
  ...['WebSocket', 'WEBSOCKET', 'h2c, websocket', 'websocket, foo/2', ',websocket,'].map((value) => row(`§4.2.1 (3) Upgrade: ${value}`, withField('Upgrade', value))),
  ...['upgrade', 'UPGRADE', 'keep-alive, Upgrade', 'Upgrade, keep-alive', 'keep-alive,upgrade', 'x ,\tUpgrade', ', Upgrade ,'].map((value) =>
    row(`§4.2.1 (4) Connection: ${value}`, withField('Connection', value)),
  ),
  row('RFC 9110 §5.3 Connection in two lines', { fields: { Connection: 'keep-alive' }, more: ['Connection: Upgrade'] }),
  row('RFC 9110 §5.3 Upgrade in two lines', { fields: { Upgrade: 'h2c' }, more: ['Upgrade: websocket'] }),
  row('RFC 9112 §5.1 no space behind the colon', Buffer.from(request().toString().replaceAll(': ', ':'))),
  row('RFC 9112 §5.1 spaces and tabs around values', Buffer.from(request().toString().replace(/: (.*)\r/g, ': \t $1 \t\r'))),
  row('RFC 9112 §2.2 an empty line before the request', Buffer.from('\r\n' + request())),
  row('RFC 9112 §3.2.2 absolute-form', { target: `http://localhost${kTarget}` }),
  row('RFC 9112 §3.2.2 absolute-form, whose host counts', { target: `http://localhost${kTarget}`, fields: { Host: '127.0.0.1:1' } }),
  row('RFC 9110 §4.2.3 a scheme in capitals', { target: `HTTP://LOCALHOST${kTarget}` }),
  row('§3 an absolute ws URL', { target: `ws://localhost${kTarget}` }),
  row('RFC 9112 §3.2 Host with a port', withField('Host', 'localhost:80')),
  row('RFC 9112 §3.2 Host with an empty port', withField('Host', 'localhost:')),
  row('RFC 9112 §3.2 Host as an IPv6 address', withField('Host', '[::1]:8080')),
  row('RFC 9110 §5.5 bytes above 7F in a value', { more: ['X-Name: gr\xfc\xdf'] }),
  row('RFC 9110 §5.5 an empty value', { more: ['X-Empty:'] }),
  row('§4.2.1 unknown fields', { more: ['Cookie: a=b', 'User-Agent: test', 'Pragma: no-cache', 'Sec-Fetch-Mode: websocket'] }),
  row('RFC 9112 §6.2 a body of no bytes', { more: ['Content-Length: 0'] }),
  row('§4.1 (8) an Origin of the same host', { fields: { Host: 'localhost:8080' }, more: ['Origin: http://localhost:8080'] }),
  row('§4.2.2 (5.5) the subprotocol that is offered', withField(kProtocol, 'ringcast.v1.raw'), { protocol: 'ringcast.v1.raw' }),
  row('§4.2.2 (5.5) one of several', withField(kProtocol, 'other, ringcast.v1.raw,more'), { protocol: 'ringcast.v1.raw' }),
  row('§11.3.4 subprotocols in two lines', { more: [`${kProtocol}: other`, `${kProtocol}: ringcast.v1.raw`] }, { protocol: 'ringcast.v1.raw' }),
  ...['mux', 'x-unknown; a; b=1; c="2"', 'foo, bar; baz=2', 'permessage-deflate; unknown_parameter', 'permessage-deflate; server_max_window_bits=99', 'x;a="\\b"'].map((value) =>
    row(`§9.1 extensions that are declined: ${value}`, withField(kExtensions, value)),
  ),
  row('§9.1 extensions in two lines', { more: [`${kExtensions}: foo`, `${kExtensions}: bar; baz=2`] }),
  { what: '§4.1 the first frame in the segment of the handshake', send: Buffer.concat([request(), text('pipelined')]) },
  { what: 'the handshake byte by byte', parts: [...request()].map((byte) => Buffer.of(byte)) },
];

const kVersions = [['Sec-WebSocket-Version', /^13$/]];
const k426 = [...kVersions, ['Upgrade', /^websocket$/i], ['Connection', /\bupgrade\b/i]];

export const kRefused = [
  ...['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'get', 'TRACE'].map((method) =>
    row(`§4.2.1 (1) ${method}`, { method }, { status: [400, 405, 501] }),
  ),
  row('RFC 9110 §15.5.6 a 405 says what is allowed', { method: 'POST' }, { status: 405, has: [['Allow', /\bGET\b/]] }),
  ...['HTTP/1.2', 'HTTP/1.9', 'HTTP/2.0', 'HTTP/3.0', 'HTTP/0.9'].map((version) => row(`RFC 9110 §15.6.6 ${version}`, { version }, { status: 505 })),
  ...['HTTP/1', 'HTTP/11', 'http/1.1', 'HTTP/1.1 ', 'HTTP/01.1', 'HTTPS/1.1'].map((version) =>
    row(`RFC 9112 §2.3 ${version}`, { version }, { status: 400 }),
  ),
  row('§4.2.1 (2) no Host', withField('Host', undefined), { status: 400 }),
  row('RFC 9112 §3.2 Host twice', { more: ['Host: localhost'] }, { status: 400 }),
  row('RFC 9112 §3.2 Host twice, the second another', { more: ['Host: evil.example'] }, { status: 400 }),
  ...['a b', 'a/b', 'user@localhost', 'localhost:x', 'localhost:80:80', '[::1', 'localhost, localhost', 'http://localhost', 'local\x01host', 'a?b', 'a#b'].map((host) =>
    row(`RFC 9112 §3.2 Host: ${JSON.stringify(host)}`, withField('Host', host), { status: 400 }),
  ),
  ...['keep-alive', 'close', 'Upgraded', 'Up grade', '"Upgrade"', ''].map((value) =>
    row(`§4.2.1 (4) Connection: ${value}`, withField('Connection', value), { status: [400, 426] }),
  ),
  row('§4.2.1 (4) no Connection', withField('Connection', undefined), { status: [400, 426] }),
  row('§4.2.1 (5) no key', withField('Sec-WebSocket-Key', undefined), { status: 400 }),
  row('§4.2.1 (5) two keys', { more: ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='] }, { status: 400 }),
  ...['', 'AAAA', 'dGhlIHNhbXBsZSBub25jZQ', 'dGhlIHNhbXBsZSBub25jZQ=', 'dGhlIHNhbXBsZSBub25jZQ===', 'dGhlIHNhbXBsZSBub25jZXM=', 'dGhlIHNhbXBsZSBub25jZSBsb25n', 'dGhlIHNhbXBsZSBub25j ZQ==', 'dGhl-HNhbXBsZSBub25jZQ==', '!!!!!!!!!!!!!!!!!!!!!!==', 'dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ=='].map(
    (key) => row(`§4.2.1 (5) the key ${key}`, withField('Sec-WebSocket-Key', key), { status: 400 }),
  ),
  row('§4.2.1 (6) no version', withField('Sec-WebSocket-Version', undefined), { status: [400, 426], has: kVersions }),
  ...['0', '7', '8', '12', '14', '130', '255'].map((version) => row(`§4.4 version ${version}`, withField('Sec-WebSocket-Version', version), { status: 426, has: k426 })),
  ...['', 'x', '013', '+13', '13.0', '13, 8', '13;', '256', '99999999999999999999'].map((version) =>
    row(`§4.4 version ${JSON.stringify(version)}`, withField('Sec-WebSocket-Version', version), { status: [400, 426], has: kVersions }),
  ),
  row('§11.3.5 two versions', { more: ['Sec-WebSocket-Version: 8'] }, { status: [400, 426], has: kVersions }),
  ...['', ',', 'a b', 'a;b', 'a,a', 'a@b', '"a"', 'a/b'].map((value) => row(`§4.1 (10) ${kProtocol}: ${value}`, withField(kProtocol, value), { status: 400 })),
  row('§4.1 (10) a subprotocol twice over two lines', { more: [`${kProtocol}: a`, `${kProtocol}: a`] }, { status: 400 }),
  ...['', ',', ';', 'a b', 'a;', 'a;;b', 'a; =1', 'a; b=', 'a; b="', 'a; b="1 2"', 'a; b=""', 'a; b=(1)', 'a@b', '"a"', 'a, b c'].map((value) =>
    row(`§9.1 ${kExtensions}: ${value}`, withField(kExtensions, value), { status: 400 }),
  ),
  row('§4.2.2 (4) a foreign origin', { more: ['Origin: https://evil.example'] }, { status: 403 }),

  // What one reader of HTTP may take for one request and the next for two.
  ...[
    ['a body', ['Content-Length: 5'], 'hello'],
    ['a body that is a request', ['Content-Length: 35'], 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['chunks', ['Transfer-Encoding: chunked'], '0\r\n\r\n'],
    ['a length and chunks', ['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
    ['two lengths', ['Content-Length: 0', 'Content-Length: 5'], 'hello'],
    ['a list of lengths', ['Content-Length: 0, 0'], ''],
    ['a signed length', ['Content-Length: +0'], ''],
    ['a length in hexadecimal', ['Content-Length: 0x0'], ''],
    ['an empty length', ['Content-Length:'], ''],
    ['an unknown coding', ['Transfer-Encoding: xchunked'], ''],
    ['identity and chunked', ['Transfer-Encoding: identity, chunked'], '0\r\n\r\n'],
    ['chunked twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
    ['a coding behind a vertical tab', ['Transfer-Encoding: \x0bchunked'], ''],
    ['a space before the colon', ['Content-Length : 5'], 'hello'],
    ['a tab before the colon', ['Transfer-Encoding\t: chunked'], '0\r\n\r\n'],
    ['a folded line', ['X: a', ' b'], ''],
    ['a folded first field', [' X: a'], ''],
    ['a NUL in a value', ['X: a\0b'], ''],
    ['a CR in a value', ['X: a\rContent-Length: 5'], ''],
    ['a NUL in a name', ['X\0: a'], ''],
    ['a name with bytes above 7F', ['\xc4: a'], ''],
    ['no name', [': a'], ''],
    ['no colon', ['nothing'], ''],
  ].map(([what, more, body]) => ({ what: `RFC 9112 §11.2 ${what}`, send: Buffer.concat([request({ more }), Buffer.from(body)]), status: [400, 501] })),
  // Chunks that end for one reader before they do for another, with a request behind them that only one would see.
  ...[
    ['a size with 0x', '0x3\r\nabc\r\n'], ['a size with a sign', '+3\r\nabc\r\n'], ['a negative size', '-3\r\nabc\r\n'],
    ['a size behind a space', ' 3\r\nabc\r\n'], ['a size of two words', '3 3\r\nabc\r\n'], ['no size', '\r\nabc\r\n'],
    ['a size that overflows 64 bits', '10000000000000003\r\nabc\r\n'], ['a size with a NUL', '3\0\r\nabc\r\n'], ['a size with an underscore', '1_0\r\nabc\r\n'],
    ['LF behind the size', '3\nabc\r\n'], ['LF behind the data', '3\r\nabc\n'], ['CR alone behind the size', '3\rabc\r\n'], ['data longer than its size', '2\r\nabc\r\n'],
    ['LF in an extension', '3;a\nabc\r\n'], ['CR in an extension', '3;a\rb\r\nabc\r\n'], ['a NUL in an extension', '3;a=\0\r\nabc\r\n'],
    ['LF behind the last chunk', '3\r\nabc\r\n0\n\n'], ['a folded trailer', '0\r\nA: b\r\n c\r\n'], ['a trailer without a colon', '0\r\nnothing\r\n'], ['a space in the name of a trailer', '0\r\nA : b\r\n'],
  ].map(([what, chunks]) => ({
    what: `RFC 9112 §7.1 ${what}`,
    send: Buffer.from(`POST /topics/conformance/chunks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n`),
    status: [400, 413],
  })),
  row('RFC 9112 §2.2 LF alone at each end', { end: '\n' }, { status: 400 }),
  row('RFC 9112 §2.2 CR alone at each end', Buffer.concat([request({ end: '\r' }), Buffer.from('\r\n\r\n')]), { status: 400 }),
  ...['topics/a', 'http:/topics/a', 'http:///topics/a', '*', '//', '/topics/a b', '/topics/a#b', '/topics/\x01', 'ftp://localhost/topics/a', 'http://u:p@localhost/topics/a'].map((target) =>
    row(`RFC 9112 §3.2 the target ${JSON.stringify(target)}`, { target }, { status: [400, 404] }),
  ),
];

// On a topic that has no value, so that a GET of it has nothing to show.
const kNothing = '/topics/conformance/nothing';
const plain = (lines) => Buffer.from([...lines, 'Host: localhost', '', ''].join('\r\n'));

export const kNotUpgraded = [
  row('RFC 9110 §15.5.22 a GET of /ws', plain(['GET /ws HTTP/1.1']), { status: 426, has: k426 }),
  row('§4.2.1 (3) no Upgrade', { target: kNothing, fields: { Upgrade: undefined } }, { status: 404 }),
  ...['websockets', 'web socket', 'h2c', 'websocket/13', ''].map((value) => row(`§4.2.1 (3) Upgrade: ${value}`, { target: kNothing, fields: { Upgrade: value } }, { status: [400, 404] })),
  row('RFC 9110 §7.8 an upgrade in HTTP/1.0', { version: 'HTTP/1.0' }, { status: [400, 404, 426] }),
];
