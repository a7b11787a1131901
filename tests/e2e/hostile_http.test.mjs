// Broken, oversized and forbidden HTTP: the status and the name of the error that must come back.

import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import tls from 'node:tls';
import { kPatient, onEachBackend } from './broker.mjs';
import { Client, request } from './client.mjs';
import { Peer, acceptKey, handshake, text } from './wire.mjs';
import { startWitnessed, stopWitnessed } from './witness.mjs';

const kHeadMax = 16 * 1024; // --max-http-head
const kLineMax = 8 * 1024; // method and target
const kFieldsMax = 100;
const kMessageMax = 64 * 1024; // --max-message of these tests

const get = (target, ...fields) => [`GET ${target} HTTP/1.1`, 'Host: localhost', ...fields, '', ''].join('\r\n');
const post = (target, fields, body = '') =>
  [`POST ${target} HTTP/1.1`, 'Host: localhost', ...fields, '', ''].join('\r\n') + body;
const chunked = (body) => post('/topics/evil/chunked', ['Transfer-Encoding: chunked'], body);
const upgrade = (options) => handshake('evil/upgrade', options);

// A head of exactly `size` bytes.
function headOf(size) {
  const empty = get('/', 'X: ');
  return get('/', `X: ${'x'.repeat(size - empty.length)}`);
}

// [what is wrong, bytes, status, error]; after each of these the connection is closed: where the next request would
// begin is not known.
const kBroken = [
  ['a TLS hello', Buffer.from('160301020001000001fc0303', 'hex'), 400, 'tls_hello'],
  ['nonsense', '\x00\x01\x02', 400, 'bad_method'],
  ['a control character in the method', 'GE\x07T / HTTP/1.1\r\n', 400, 'bad_method'],
  ['a method of 33 letters', 'X'.repeat(33) + ' / HTTP/1.1\r\n', 501, 'method_too_long'],
  ['HTTP/0.9', 'GET /\r\n', 400, 'bad_version'],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505, 'version_not_supported'],
  ['HTTP/3.0', 'GET / HTTP/3.0\r\n', 505, 'version_not_supported'],
  ['HTTP/1.2', 'GET / HTTP/1.2\r\n', 505, 'version_not_supported'],
  ['http/1.1 in small letters', 'GET / http/1.1\r\n', 400, 'bad_version'],
  ['two spaces', 'GET  / HTTP/1.1\r\n', 400, 'bad_target'],
  ['a space in the target', 'GET /a b HTTP/1.1\r\n', 400, 'bad_version'],
  ['a raw byte above 7f in the target', Buffer.from('GET /topics/\xff HTTP/1.1\r\n', 'latin1'), 400, 'bad_target'],
  ['a target that is no path', 'GET topics/a HTTP/1.1\r\n', 400, 'bad_target'],
  ['a fragment in the target', 'GET /topics/a#b HTTP/1.1\r\n', 400, 'bad_target'],
  ['CONNECT', 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n', 501, 'method_not_implemented'],
  ['a target too long', `GET /${'x'.repeat(kLineMax)} HTTP/1.1\r\n`, 414, 'target_too_long'],
  ['an endless target', `GET /${'x'.repeat(kHeadMax * 4)}`, 414, 'target_too_long'],
  ['a head of a byte too many', headOf(kHeadMax + 1), 431, 'head_too_large'],
  ['an endless field', `GET / HTTP/1.1\r\nX: ${'x'.repeat(kHeadMax * 4)}`, 431, 'head_too_large'],
  ['too many fields', get('/', ...Array(kFieldsMax).fill('A: b')), 431, 'too_many_fields'],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400, 'missing_host'],
  ['two Hosts', get('/', 'Host: localhost'), 400, 'duplicate_host'],
  ['a Host that is none', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400, 'bad_host'],
  ['LF alone', 'GET / HTTP/1.1\nHost: localhost\n\n', 400, 'bare_line_feed'],
  ['LF alone after a field', 'GET / HTTP/1.1\r\nHost: localhost\n\r\n', 400, 'bare_line_feed'],
  ['CR alone', 'GET / HTTP/1.1\r\nHost: local\rhost\r\n\r\n', 400, 'bare_carriage_return'],
  ['a folded line', 'GET / HTTP/1.1\r\nHost: localhost\r\nA: b\r\n c\r\n\r\n', 400, 'folded_line'],
  ['a space before the colon', get('/', 'A : b'), 400, 'space_before_colon'],
  ['a field without a colon', get('/', 'nothing'), 400, 'bad_field_name'],
  ['a field without a name', get('/', ': b'), 400, 'bad_field_name'],
  ['a NUL in a field', get('/', 'A: b\0c'), 400, 'bad_field_value'],
  ['a length that is no number', post('/topics/a', ['Content-Length: five']), 400, 'bad_content_length'],
  ['a length with a sign', post('/topics/a', ['Content-Length: +5']), 400, 'bad_content_length'],
  ['a negative length', post('/topics/a', ['Content-Length: -1']), 400, 'bad_content_length'],
  ['a list of lengths', post('/topics/a', ['Content-Length: 5, 5']), 400, 'bad_content_length'],
  ['two lengths', post('/topics/a', ['Content-Length: 5', 'Content-Length: 6']), 400, 'duplicate_content_length'],
  ['a length and chunks', post('/topics/a', ['Content-Length: 5', 'Transfer-Encoding: chunked']), 400, 'content_length_and_chunked'],
  ['chunked twice', post('/topics/a', ['Transfer-Encoding: chunked, chunked']), 400, 'bad_transfer_encoding'],
  ['chunked not last', post('/topics/a', ['Transfer-Encoding: chunked, gzip']), 400, 'bad_transfer_encoding'],
  ['another coding', post('/topics/a', ['Transfer-Encoding: gzip, chunked']), 501, 'unknown_transfer_encoding'],
  ['another expectation', post('/topics/a', ['Expect: a-wonder', 'Content-Length: 1']), 417, 'unknown_expectation'],
  ['a length too large', post('/topics/a', [`Content-Length: ${kMessageMax + 1}`]), 413, 'body_too_large'],
  ['a length beyond 64 bits', post('/topics/a', [`Content-Length: ${'9'.repeat(30)}`]), 413, 'body_too_large'],
  ['a chunk too large', chunked(`${(kMessageMax + 1).toString(16)}\r\n`), 413, 'body_too_large'],
  ['chunks too large together', chunked(`${kMessageMax.toString(16)}\r\n${'x'.repeat(kMessageMax)}\r\n1\r\n`), 413, 'body_too_large'],
  ['a chunk of a size that is none', chunked('x\r\n'), 400, 'bad_chunk_size'],
  ['a chunk with a negative size', chunked('-1\r\n'), 400, 'bad_chunk_size'],
  ['a chunk longer than it says', chunked('1\r\nab\r\n'), 400, 'bad_chunk_end'],
  ['an endless chunk extension', chunked(`1;${'x'.repeat(64 * 1024)}`), 400, 'bad_chunk_extension'],
  ['endless trailers', chunked(`0\r\n${'A: b\r\n'.repeat(20_000)}`), 431, 'trailers_too_large'],
  ['an upgrade by POST', upgrade({ method: 'POST' }), 405, 'upgrade_not_get'],
  ['an upgrade of HTTP/1.0', upgrade({ version: '1.0' }), 400, 'upgrade_version'],
  ['no Connection: Upgrade', upgrade({ fields: { Connection: 'keep-alive' } }), 400, 'upgrade_connection'],
  ['no key', upgrade({ fields: { 'Sec-WebSocket-Key': undefined } }), 400, 'websocket_key_missing'],
  ['a key too short', upgrade({ fields: { 'Sec-WebSocket-Key': 'c2hvcnQ=' } }), 400, 'websocket_key'],
  ['a key that is no base64', upgrade({ fields: { 'Sec-WebSocket-Key': '!!!!!!!!!!!!!!!!!!!!!!==' } }), 400, 'websocket_key'],
  ['no version', upgrade({ fields: { 'Sec-WebSocket-Version': undefined } }), 400, 'websocket_version_missing'],
  ['version 8', upgrade({ fields: { 'Sec-WebSocket-Version': '8' } }), 426, 'websocket_version'],
  ['an upgrade with a body', upgrade({ fields: { 'Content-Length': '5' } }), 400, 'upgrade_with_body'],
  ['a subprotocol that is no token', upgrade({ fields: { 'Sec-WebSocket-Protocol': 'a b' } }), 400, 'websocket_protocol'],
  ['a subprotocol twice', upgrade({ fields: { 'Sec-WebSocket-Protocol': 'a, a' } }), 400, 'websocket_protocol'],
  ['an empty list of extensions', upgrade({ fields: { 'Sec-WebSocket-Extensions': '' } }), 400, 'websocket_extensions'],
];

// The same with a connection that goes on: the request was read whole, and only what it asks for is wrong.
const kRefused = [
  ['PUT on a topic', 'PUT /topics/a HTTP/1.1\r\nHost: localhost\r\n\r\n', 405, 'method_not_allowed'],
  ['a method in small letters', 'get /topics/a HTTP/1.1\r\nHost: localhost\r\n\r\n', 501, 'method_not_implemented'],
  ['TRACE', 'TRACE /topics/a HTTP/1.1\r\nHost: localhost\r\n\r\n', 501, 'method_not_implemented'],
  ['DELETE on the page', 'DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n', 405, 'method_not_allowed'],
  ['a path that is none of ours', get('/nothing'), 404, 'not_found'],
  ['a GET of a filter', get('/topics/a/+'), 400, 'wildcard_in_topic'],
  ['an unknown subprotocol', upgrade({ fields: { 'Sec-WebSocket-Protocol': 'mqtt' } }), 400, 'unknown_subprotocol'],
  ['an unknown parameter', upgrade({ query: 'ecko=0' }), 400, 'unknown_parameter'],
  ['a delivery that there is not', upgrade({ query: 'delivery=newest' }), 400, 'bad_parameter'],
  ['echo=2', upgrade({ query: 'echo=2' }), 400, 'bad_parameter'],
  ['last without a value', upgrade({ query: 'last' }), 400, 'bad_parameter'],
  ['mode=sub', upgrade({ query: 'mode=sub' }), 400, 'bad_parameter'],
  ['a broken escape in the query', upgrade({ query: 'echo=%4' }), 400, 'bad_escape'],
  ['a query that is no UTF-8', upgrade({ query: 'echo=%ff' }), 400, 'invalid_utf8'],
  ['a foreign origin', upgrade({ fields: { Origin: 'https://evil.example' } }), 403, 'origin_not_allowed'],
  ['an origin of null', upgrade({ fields: { Origin: 'null' } }), 403, 'origin_not_allowed'],
  ['a loopback look-alike', upgrade({ fields: { Origin: 'http://127.0.0.1.evil.example' } }), 403, 'origin_not_allowed'],
  ['another name for loopback', upgrade({ fields: { Host: 'evil.example' } }), 403, 'host_not_allowed'],
  ['the same for GET', 'GET /topics/a HTTP/1.1\r\nHost: evil.example\r\n\r\n', 403, 'host_not_allowed'],
];

const levels = (count) => Array(count).fill('a').join('/');
const kTopics = [
  ['no topic', '', 'no_topic'],
  ['a leading slash', '/a', 'empty_level'],
  ['a trailing slash', 'a/', 'empty_level'],
  ['a doubled slash', 'a//b', 'empty_level'],
  ['1025 bytes', 'x'.repeat(1025), 'bad_topic', /1024 bytes/],
  ['1026 bytes of two each', '%C3%A9'.repeat(513), 'bad_topic', /1024 bytes/],
  ['65 levels', levels(65), 'bad_topic', /64 levels/],
  ['a control character', 'a%01', 'bad_topic', /control/],
  ['DEL', 'a%7F', 'bad_topic', /control/],
  ['a C1 control character', 'a%C2%85', 'bad_topic', /control/],
  ['NUL', 'a%00', 'escaped_nul'],
  ['bytes that are not UTF-8', 'a%FF', 'invalid_utf8'],
  ['half a character', '%E2%82', 'invalid_utf8'],
  ['an escaped slash', 'a%2Fb', 'escaped_slash'],
  ['an escaped slash in small letters', 'a%2fb', 'escaped_slash'],
  ['a broken escape', 'a%4', 'bad_escape'],
  ['an escape that is no hexadecimal', 'a%zz', 'bad_escape'],
  ['a level .', 'a/./b', 'bad_topic', /'\.'/],
  ['a level ..', '../a', 'bad_topic', /'\.\.'/],
  ['an escaped ..', 'a/%2E%2e', 'bad_topic', /'\.\.'/],
  ['a # not last', 'a/%23/b', 'bad_topic', /last/],
  ['a # not alone', 'a%23', 'bad_topic', /alone/],
  ['a + not alone', 'a+/b', 'bad_topic', /alone/],
];

onEachBackend('the broker against broken HTTP', (io) => {
  let witnessed;
  let broker;
  before(async () => {
    witnessed = await startWitnessed({ io, args: ['--max-message', `${kMessageMax}B`, ...kPatient.lingering] });
    ({ broker } = witnessed);
  });
  after(() => stopWitnessed(witnessed));

  async function assertRefused(peer, what, status, error) {
    const answer = await peer.response();
    const { error: name, message, ...rest } = JSON.parse(answer.body);
    assert.deepEqual([answer.status, name, rest], [status, error, { status }], what);
    assert.ok(message.length > 10, `${what}: ${message}`);
    return answer;
  }

  it('answers what is no request with its error, and closes', async () => {
    for (const [what, sent, status, error] of kBroken) {
      const peer = new Peer(broker.port).write(sent);
      const { head } = await assertRefused(peer, what, status, error);
      assert.match(head, /^connection:.*close/im, what);
      assert.equal(await peer.end(), 'FIN', what);

      const slow = new Peer(broker.port);
      for (const byte of Buffer.from(sent).subarray(0, 200)) slow.write(Buffer.of(byte));
      slow.write(Buffer.from(sent).subarray(200));
      await assertRefused(slow, `${what}, byte by byte`, status, error);
      assert.equal(await slow.end(), 'FIN', what);
    }
    await witnessed.witness.check();
  });

  it('says which versions and methods there are', async () => {
    const peer = new Peer(broker.port).write('PUT /topics/a HTTP/1.1\r\nHost: localhost\r\n\r\n');
    assert.match((await peer.response()).head, /^allow: GET, HEAD, POST, DELETE/im);
    peer.write(upgrade({ fields: { 'Sec-WebSocket-Version': '8' } }));
    assert.match((await peer.response()).head, /^sec-websocket-version: 13/im);
    assert.equal(await peer.end(), 'FIN');
  });

  it('refuses what it has understood, and goes on with the next request', async () => {
    const peer = new Peer(broker.port);
    for (const [what, sent, status, error] of kRefused) {
      peer.write(sent);
      await assertRefused(peer, what, status, error);
    }
    peer.write(handshake('evil/after'));
    assert.match(await peer.head(), /^HTTP\/1\.1 101 [^]*sec-websocket-accept/i);
    peer.reset();
  });

  it('refuses bad topics and names the limit, to GET, POST and upgrades alike', async () => {
    for (const [what, path, error, limit = /./] of kTopics) {
      const peer = new Peer(broker.port);
      for (const sent of [get(`/topics/${path}`), handshake(`/topics/${path}`)]) {
        const answer = await assertRefused(peer.write(sent), what, 400, error);
        assert.match(JSON.parse(answer.body).message, limit, what);
      }
      // What is refused with a body to come ends the connection.
      await assertRefused(peer.write(post(`/topics/${path}`, ['Content-Length: 1'], 'x')), what, 400, error);
      assert.equal(await peer.end(), 'FIN');
    }
  });

  it('takes topics and filters up to their limits', async () => {
    const letters = 'x'.repeat(1024);
    const two = '%C3%A9'.repeat(512);
    for (const path of [letters, two, levels(64), `${levels(63)}/%23`, '%20', 'a.b/...', 'a%3Fb', '~a-b_c', "a'b!$&()*,;=:@"]) {
      const peer = new Peer(broker.port).write(handshake(`/topics/${path}`));
      assert.match(await peer.head(), /^HTTP\/1\.1 101 /, path);
      if (!path.includes('%23')) {
        peer.write(text('heard'));
        assert.equal((await peer.message()).payload.toString(), 'heard');
      }
      peer.reset();
    }
  });

  it('takes heads up to their limits', async () => {
    const line = `/${'x'.repeat(kLineMax - 'GET /'.length)}`;
    for (const [sent, status] of [
      [headOf(kHeadMax), 200],
      [get(line), 404],
      [get('/', ...Array(kFieldsMax - 1).fill('A: b')), 200],
      ['\r\n' + get('/'), 200],
      ['GET http://localhost/ HTTP/1.1\r\nHost: ignored\r\n\r\n', 200],
      ['GET / HTTP/1.0\r\n\r\n', 200],
    ]) {
      const peer = new Peer(broker.port).write(sent);
      assert.equal((await peer.response()).status, status, sent.slice(0, 40));
      peer.reset();
    }
  });

  it('takes bodies up to the limit, by length or in chunks, whole or byte by byte', async () => {
    const listener = await Client.open(broker.topic('evil/chunked'));
    const body = 'x'.repeat(kMessageMax);
    const size = kMessageMax.toString(16);
    const sent = [
      post('/topics/evil/chunked', [`Content-Length: ${kMessageMax}`], body),
      chunked(`${size}\r\n${body}\r\n0\r\n\r\n`),
      chunked(`1\r\nx\r\n00${(kMessageMax - 1).toString(16).toUpperCase()};name="a value"\r\n${body.slice(1)}\r\n0\r\nA: trailer\r\n\r\n`),
    ];
    for (const whole of sent) {
      const peer = new Peer(broker.port).write(whole);
      assert.equal((await peer.response()).status, 200);
      assert.equal(await listener.next(), body);
      peer.reset();
    }
    const peer = new Peer(broker.port);
    for (const byte of chunked('3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n')) peer.write(byte);
    assert.equal((await peer.response()).status, 200);
    assert.equal(await listener.next(), 'abcde');
    await assertRefused(peer.write(post('/topics/evil/chunked', [])), 'no length', 411, 'length_required');
    assert.equal((await peer.write(post('/topics/evil/chunked', ['Content-Length: 0'])).response()).status, 200);
    assert.equal(await listener.next(), '');
    peer.reset();
    await listener.close(1000);
  });

  it('says 413 to a peer that is still sending, and without 100 Continue to one that asks first', async () => {
    const length = 8 * 1024 * 1024;
    const sending = new Peer(broker.port).write(post('/topics/evil/flood', [`Content-Length: ${length}`]));
    for (let i = 0; i < 128; ++i) sending.write(Buffer.alloc(64 * 1024));
    await assertRefused(sending, 'still sending', 413, 'body_too_large');
    assert.equal(await sending.end(), 'FIN');

    const asking = new Peer(broker.port).write(post('/topics/a', [`Content-Length: ${length}`, 'Expect: 100-continue']));
    await assertRefused(asking, 'asking', 413, 'body_too_large');
    assert.equal(await asking.end(), 'FIN');
    const allowed = new Peer(broker.port).write(post('/topics/a', ['Content-Length: 1', 'Expect: 100-continue']));
    assert.match(await allowed.head(), /^HTTP\/1\.1 100 /);
    assert.equal((await allowed.write('x').response()).status, 200);
    allowed.reset();
  });

  it('answers pipelined requests in their order', async () => {
    const peer = new Peer(broker.port);
    const requests = [];
    for (let i = 0; i < 20; ++i) {
      requests.push(post(`/topics/evil/pipeline/${i}`, ['Content-Length: 2'], `${10 + i}`), get(`/topics/evil/pipeline/${i}`));
    }
    peer.write(requests.join(''));
    for (let i = 0; i < 20; ++i) {
      assert.equal(JSON.parse((await peer.response()).body).topic, `evil/pipeline/${i}`);
      assert.equal((await peer.response()).body, `${10 + i}`);
    }
    peer.fin();
    assert.equal(await peer.end(), 'FIN');
  });

  it('takes a handshake byte by byte, and answers with the accept key of RFC 6455', async () => {
    const peer = new Peer(broker.port);
    for (const byte of handshake('evil/slow')) peer.write(byte);
    const head = await peer.head();
    assert.match(head, /^HTTP\/1\.1 101 /);
    assert.ok(head.includes(`Sec-WebSocket-Accept: ${acceptKey}`), head);
    peer.reset();
  });

  it('answers a request whose sender has closed its side', async () => {
    const peer = new Peer(broker.port).write(post('/topics/evil/half', ['Content-Length: 1'], 'x'));
    peer.fin();
    assert.equal((await peer.response()).status, 200);
    assert.equal(await peer.end(), 'FIN');
  });

  it('tells a TLS client in TLS terms nothing, and goes on', async () => {
    const error = await new Promise((resolve) => {
      tls.connect({ port: broker.port, host: '127.0.0.1', rejectUnauthorized: false }).on('error', resolve);
    });
    assert.match(error.code, /^ERR_SSL_|^EPROTO/);
    assert.equal((await request(`${broker.url}/`)).status, 200);
  });
});
