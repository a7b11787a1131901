// HTTP as curl and browsers use it beyond GET and POST: HEAD and OPTIONS, other origins, batches, compressed files.

import assert from 'node:assert/strict';
import { after, afterEach, before, it } from 'node:test';
import zlib from 'node:zlib';
import { Broker, onEachBackend } from './broker.mjs';
import { Client, closeAll, request } from './client.mjs';
import { curl, run } from './program.mjs';
import { Peer } from './wire.mjs';

const kOrigin = 'https://dash.example';
const kTopicMethods = 'GET, HEAD, POST, DELETE, OPTIONS';

onEachBackend('the whole of HTTP', (io) => {
  let broker;
  before(async () => (broker = await Broker.start({ io, args: ['--allowed-origin', kOrigin] })));
  afterEach(closeAll);
  after(() => broker.stop());

  const at = (topic) => `${broker.url}/topics/${topic}`;
  const resultsOf = (text) => text.trimEnd().split('\n').map((line) => JSON.parse(line));

  it('says to curl -I what curl would get, and to OPTIONS what there is', async () => {
    await curl('-d', '{"px":1}', at('whole/value'));
    const head = await curl('-I', at('whole/value'));
    assert.match(head, /^HTTP\/1\.1 200 OK\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/);
    assert.match(head, /^ETag: "[0-9a-f]{16}-\d+"\r\n/m);
    assert.match(head, /^Content-Length: 8\r\n/m);
    assert.match(await curl('-i', '-X', 'OPTIONS', at('whole/value')), new RegExp(`^Allow: ${kTopicMethods}\r\n`, 'm'));
    assert.match(await curl('-i', '-X', 'OPTIONS', '--request-target', '*', broker.url), /^HTTP\/1\.1 204 /);
    assert.match(await curl('-i', '-X', 'PUT', '-d', 'x', at('whole/value')), /^HTTP\/1\.1 405 [^]*^Allow: GET, HEAD/m);
    assert.match(await curl('-i', '-X', 'TRACE', at('whole/value')), /^HTTP\/1\.1 501 /);
    assert.match(await curl('-i', '--http1.0', at('whole/value')), /^Connection: close\r\n/m);
    assert.match(await curl('-i', '-X', 'POST', at('whole/value')), /^HTTP\/1\.1 411 /);
  });

  it('dates its answers by the clock', async () => {
    const { headers } = await request(at('whole/none'));
    assert.ok(Math.abs(Date.parse(headers.date) - Date.now()) < 60_000, headers.date);
  });

  it('lets pages of allowed origins ask, act and read, and no others', async () => {
    const ask = (origin) =>
      request(at('whole/cors'), {
        method: 'OPTIONS',
        headers: { Origin: origin, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type' },
      });
    const act = (origin, method, body) => request(at('whole/cors'), { method, body, headers: { Origin: origin } });
    for (const origin of [kOrigin, 'http://localhost:3000', `http://127.0.0.1:${broker.port}`]) {
      const { status, headers } = await ask(origin);
      assert.equal(status, 204);
      assert.equal(headers['access-control-allow-origin'], origin);
      assert.equal(headers['access-control-allow-methods'], kTopicMethods);
      assert.equal(headers['access-control-allow-headers'], 'content-type');
      for (const [method, body, expected] of [['POST', 'x', 200], ['GET', undefined, 200], ['DELETE', undefined, 200], ['GET', undefined, 404]]) {
        const answer = await act(origin, method, body);
        assert.deepEqual([answer.status, answer.headers['access-control-allow-origin']], [expected, origin], method);
        assert.match(answer.headers['access-control-expose-headers'], /ETag/);
      }
    }
    for (const origin of ['https://evil.example', 'null', 'http://dash.example', `${kOrigin}.evil.example`]) {
      for (const answer of [await ask(origin), await act(origin, 'POST', 'x'), await act(origin, 'DELETE')]) {
        assert.deepEqual([answer.status, JSON.parse(answer.body).error], [403, 'origin_not_allowed'], origin);
        assert.equal(answer.headers['access-control-allow-origin'], undefined);
      }
      const read = await act(origin, 'GET');
      assert.deepEqual([read.status, read.headers['access-control-allow-origin']], [404, undefined]);
      assert.match(read.headers.vary, /\bOrigin\b/);
    }
  });

  it('publishes the lines of a file that curl sends, each by itself', async () => {
    const client = await Client.open(broker.topic('batch/#'));
    const lines = Array.from({ length: 900 }, (_, i) => JSON.stringify({ topic: `batch/${i % 30}`, json: { i } }));
    lines[7] = '{"topic":"batch/+","json":1}';
    lines[8] = 'no JSON';
    const sent = await run('curl', ['--silent', '-H', 'Content-Type: application/x-ndjson', '--data-binary', '@-', `${broker.url}/topics`], {
      input: Buffer.from(lines.join('\n') + '\n'),
    });
    const results = resultsOf(sent.out);
    assert.deepEqual(results.map(({ line }) => line), lines.map((_, i) => i + 1));
    assert.deepEqual(results.filter(({ error }) => error).map(({ line, status, error }) => [line, status, error]),
      [[8, 400, 'bad_topic'], [9, 400, 'malformed']]);
    await client.has(898);
    const got = client.inbox.map((message) => JSON.parse(message).i);
    for (let topic = 0; topic < 30; ++topic) {
      const expected = lines.map((_, i) => i).filter((i) => i % 30 === topic && i !== 7 && i !== 8);
      assert.deepEqual(got.filter((i) => i % 30 === topic), expected, `topic ${topic} in the order of its lines`);
      const seqs = results.filter(({ line, seq }) => (line - 1) % 30 === topic && seq).map(({ seq }) => seq);
      assert.deepEqual(seqs, [...seqs].sort((a, b) => a - b));
    }
  });

  it('publishes a batch once that is sent twice with one Idempotency-Key', async () => {
    const client = await Client.open(broker.topic('again/#'));
    const body = ['again/a', 'again/b', 'again/c', 'again/a'].map((topic) => JSON.stringify({ topic, text: 'x' })).join('\n');
    const send = async () =>
      resultsOf(`${(await request(`${broker.url}/topics`, { method: 'POST', body, headers: { 'Idempotency-Key': 'b-1' } })).body}`);
    const first = await send();
    const again = await send();
    assert.deepEqual(again, first.map((result) => ({ ...result, duplicate: true })));
    for (const topic of ['again/a', 'again/b', 'again/c']) await curl('-d', 'end', at(topic)); // each has an order of its own
    await client.has((inbox) => inbox.filter((message) => message === 'end').length === 3);
    assert.equal(client.inbox.filter((message) => message === 'x').length, 4);
  });

  it('takes a pipelined batch in chunks, byte by byte, and answers in order', async () => {
    const peer = new Peer(broker.port);
    const line = '{"topic":"batch/bytes","text":"x"}\n';
    const chunks = [line, line].map((text) => `${text.length.toString(16)};a="b"\r\n${text}\r\n`).join('');
    const sent = `POST /topics HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\nTrailer: x\r\n\r\n`
      + 'GET /topics/batch/bytes HTTP/1.1\r\nHost: localhost\r\n\r\n';
    for (const byte of sent) peer.write(byte);
    assert.deepEqual(resultsOf((await peer.response()).body).map(({ line }) => line), [1, 2]);
    assert.equal((await peer.response()).body, 'x');
    peer.fin();
    assert.equal(await peer.end(), 'FIN');
  });

  it('serves its files compressed to who asks, each variant with an ETag of its own', async () => {
    const plain = await request(`${broker.url}/app.js`);
    assert.equal(plain.headers['content-encoding'], undefined);
    assert.match(plain.headers.vary, /Accept-Encoding/);
    const tags = new Set([plain.headers.etag]);
    for (const [accept, coding, decode] of [['gzip', 'gzip', zlib.gunzipSync], ['gzip;q=0.5, br', 'br', zlib.brotliDecompressSync]]) {
      const headers = { 'Accept-Encoding': accept };
      const answer = await request(`${broker.url}/app.js`, { headers });
      assert.equal(answer.headers['content-encoding'], coding);
      assert.ok(answer.body.length < plain.body.length);
      assert.deepEqual(decode(answer.body), plain.body);
      tags.add(answer.headers.etag);
      const again = await request(`${broker.url}/app.js`, { headers: { ...headers, 'If-None-Match': answer.headers.etag } });
      assert.deepEqual([again.status, again.headers.etag, again.body.length], [304, answer.headers.etag, 0]);
      const other = await request(`${broker.url}/app.js`, { headers: { 'If-None-Match': answer.headers.etag } });
      assert.equal(other.status, 200);
      const head = await request(`${broker.url}/app.js`, { method: 'HEAD', headers });
      assert.deepEqual([head.headers['content-length'], head.headers['content-encoding']], [`${answer.body.length}`, coding]);
    }
    assert.equal(tags.size, 3);
    assert.equal(await curl('--compressed', `${broker.url}/app.js`), plain.body.toString());
  });

  it('compares If-Match strongly, and refuses conditions of a publish', async () => {
    await curl('-d', 'x', at('whole/match'));
    const { etag } = (await request(at('whole/match'))).headers;
    const ask = async (match) => (await request(at('whole/match'), { headers: { 'If-Match': match } })).status;
    assert.deepEqual([await ask(etag), await ask('*'), await ask(`W/${etag}`), await ask('"other"')], [200, 200, 412, 412]);
    const conditional = await request(at('whole/match'), { method: 'POST', body: 'y', headers: { 'If-Match': etag } });
    assert.deepEqual([conditional.status, JSON.parse(conditional.body).error], [501, 'condition_not_implemented']);
    assert.equal(await curl(at('whole/match')), 'x');
  });
});
