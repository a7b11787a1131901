// Topics over plain HTTP: curl publishes, GET reads the last value, DELETE removes it.

import assert from 'node:assert/strict';
import http from 'node:http';
import { after, afterEach, before, it } from 'node:test';
import { Broker, onEachBackend } from './broker.mjs';
import { Client, closeAll, publish, request } from './client.mjs';
import { curl, run } from './program.mjs';

const kFormat = { json: 'application/json', text: 'text/plain; charset=utf-8', binary: 'application/octet-stream' };

onEachBackend('a topic over HTTP', (io) => {
  let broker;
  before(async () => (broker = await Broker.start({ io })));
  afterEach(closeAll);
  after(() => broker.stop());

  const at = (topic) => `${broker.url}/topics/${topic}`;

  it('is published to by curl -d, and answers with the sequence number', async () => {
    const client = await Client.open(broker.topic('curl/ticker'));
    const first = JSON.parse(await curl('-d', '{"px":191.2}', at('curl/ticker')));
    const second = JSON.parse(await curl('-d', 'plain text', at('curl/ticker')));
    assert.deepEqual(Object.keys(first), ['topic', 'seq', 'epoch', 'time_us']);
    assert.equal(first.topic, 'curl/ticker');
    assert.equal(second.seq, first.seq + 1);
    assert.equal(second.epoch, first.epoch);
    assert.ok(Math.abs(first.time_us / 1000 - Date.now()) < 60_000, `${first.time_us} µs is about now`);
    assert.deepEqual(await client.has(2), ['{"px":191.2}', 'plain text']);
  });

  it('gives curl a large body back byte by byte (and curl its 100 Continue)', async () => {
    const body = Buffer.alloc(1024 * 1024, 'a ring of bytes, ');
    const posted = await run('curl', ['--silent', '--data-binary', '@-', '-H', 'Expect: 100-continue', at('curl/large')], {
      input: body,
    });
    assert.equal(JSON.parse(posted.out).topic, 'curl/large');
    assert.equal(await curl(at('curl/large')), body.toString());
  });

  it('publishes once what curl sends twice with one Idempotency-Key, and answers both alike', async () => {
    const client = await Client.open(broker.topic('again/#'));
    // Enough topics that every one of the shards is the home of some; the connections end up anywhere.
    const topics = Array.from({ length: 16 }, (_, i) => `again/t${i}`);
    const send = async (topic, body, ...more) =>
      JSON.parse(await curl('-H', 'Idempotency-Key: "order-17"', ...more, '-d', body, at(topic)));
    for (const topic of topics) {
      const first = await send(topic, `{"of":"${topic}"}`);
      const again = await send(topic, `{"of":"${topic}"}`);
      assert.deepEqual(Object.keys(first), ['topic', 'seq', 'epoch', 'time_us']);
      assert.deepEqual(again, { ...first, duplicate: true });
      const bare = JSON.parse(await curl('-H', 'Idempotency-Key: order-17', '-d', `{"of":"${topic}"}`, at(topic)));
      assert.deepEqual(bare, { ...first, duplicate: true });
    }
    for (const topic of topics) {
      const refusal = await send(topic, '{"of":"another"}');
      assert.deepEqual([refusal.status, refusal.error], [422, 'idempotency_key_reused']);
    }
    const otherType = await send(topics[0], `{"of":"${topics[0]}"}`, '-H', 'Content-Type: application/json');
    assert.equal(otherType.error, 'idempotency_key_reused');
    // Another key is another publish, and a DELETE with the key another again: once.
    const next = JSON.parse(await curl('-H', 'Idempotency-Key: order-18', '-d', `{"of":"${topics[0]}"}`, at(topics[0])));
    assert.equal(next.duplicate, undefined);
    const removed = JSON.parse(await curl('-X', 'DELETE', '-H', 'Idempotency-Key: order-17', at(topics[0])));
    assert.equal(removed.seq, next.seq + 1);
    const removedAgain = JSON.parse(await curl('-X', 'DELETE', '-H', 'Idempotency-Key: order-17', at(topics[0])));
    assert.deepEqual(removedAgain, { ...removed, duplicate: true });
    for (const topic of topics) await publish(broker, topic, 'end');
    await client.has((inbox) => inbox.filter((message) => message === 'end').length === topics.length);
    const all = [...topics, topics[0]].map((topic) => `{"of":"${topic}"}`);
    assert.deepEqual(client.inbox.filter((message) => message !== 'end').sort(), all.sort());
  });

  it('refuses an Idempotency-Key that is none, by name', async () => {
    for (const keys of [[''], ['a b'], ['"a'], ['k'.repeat(256)], ['a', 'a']]) {
      const answer = await request(at('again/bad'), { method: 'POST', body: 'x', headers: { 'Idempotency-Key': keys } });
      const refusal = JSON.parse(answer.body);
      assert.deepEqual([refusal.status, refusal.error], [400, 'bad_idempotency_key'], `${keys}`);
    }
    const longest = { 'Idempotency-Key': 'k'.repeat(255) };
    assert.equal((await request(at('again/bad'), { method: 'POST', body: 'x', headers: longest })).status, 200);
  });

  it('says what curl did wrong in words', async () => {
    const refused = JSON.parse(await curl('-d', 'x', at('a//b')));
    assert.deepEqual([refused.status, refused.error], [400, 'empty_level']);
    assert.match(refused.message, /%23/);
  });

  it('tells JSON, text and binary apart where curl names no type', async () => {
    const client = await Client.open(broker.topic('types/guess'));
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const cases = [
      ['{"a":[1,2]}', 'json'],
      ['17', 'json'],
      ['{"a":', 'text'],
      ['a=b&c=d', 'text'],
      [Buffer.from([0xc3, 0x28]), 'binary'],
      ['', 'text'],
    ];
    for (const [body, format] of cases) {
      await publish(broker, 'types/guess', body, form);
      const message = await client.next();
      assert.equal(typeof message, format === 'binary' ? 'object' : 'string', `${body}`);
      const answer = await request(at('types/guess'));
      assert.equal(answer.headers['content-type'], kFormat[format], `${body}`);
      assert.deepEqual(answer.body, Buffer.from(body));
    }
  });

  it('keeps a type that was named, and holds it to its word', async () => {
    for (const type of ['application/json; charset=utf-8', 'text/csv', 'image/png', 'application/cloudevents+json']) {
      await publish(broker, 'types/named', '{}', { 'Content-Type': type });
      assert.equal((await request(at('types/named'))).headers['content-type'], type);
    }
    const lies = [
      ['{', 'application/json', 'bad_json'],
      [Buffer.from([0xff]), 'text/plain', 'bad_text'],
      ['x', `text/${'x'.repeat(256)}`, 'content_type_too_long'],
      ['x', 'text/\u00b4', 'bad_content_type'], // would make an event that no client can read: not UTF-8
    ];
    for (const [body, type, name] of lies) {
      const answer = await request(at('types/lies'), { method: 'POST', headers: { 'Content-Type': type }, body });
      assert.equal(answer.status, 400, type);
      assert.equal(JSON.parse(answer.body).error, name);
    }
    assert.equal((await request(at('types/lies'))).status, 404, 'nothing of it was published');
  });

  it('gives its last value to GET, without it to HEAD, and neither when there is none', async () => {
    assert.equal((await request(at('get/value'))).status, 404);
    assert.equal((await request(at('get/value'), { method: 'HEAD' })).status, 404);
    for (const value of ['first', 'second']) await publish(broker, 'get/value', value);
    const got = await request(at('get/value'));
    assert.deepEqual([got.status, got.body.toString()], [200, 'second']);
    const head = await request(at('get/value'), { method: 'HEAD' });
    assert.deepEqual([head.status, head.body.length], [200, 0]);
    for (const name of ['content-type', 'content-length', 'etag']) assert.equal(head.headers[name], got.headers[name]);
    assert.equal(head.headers['content-length'], '6');
  });

  it('answers 304 while its ETag is the newest', async () => {
    const seq = await publish(broker, 'get/etag', 'one');
    const { etag } = (await request(at('get/etag'))).headers;
    assert.match(etag, new RegExp(`^"[0-9a-f]{16}-${seq}"$`));
    const ask = (match, method = 'GET') => request(at('get/etag'), { method, headers: { 'If-None-Match': match } });
    for (const match of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await ask(match);
      assert.deepEqual([answer.status, answer.body.length, answer.headers.etag], [304, 0, etag], match);
      assert.equal((await ask(match, 'HEAD')).status, 304);
    }
    for (const match of ['"other"', etag.replace(/-\d+"$/, '-999"')]) assert.equal((await ask(match)).status, 200, match);
    await publish(broker, 'get/etag', 'two');
    assert.deepEqual([(await ask(etag)).status, `${(await ask(etag)).body}`], [200, 'two']);
  });

  it('has no value after DELETE, and a higher sequence number', async () => {
    const client = await Client.open(broker.topic('delete/value'));
    const first = await publish(broker, 'delete/value', 'here');
    const removed = await request(at('delete/value'), { method: 'DELETE' });
    assert.deepEqual([removed.status, JSON.parse(removed.body).seq], [200, first + 1]);
    assert.equal((await request(at('delete/value'))).status, 404);
    assert.equal(await publish(broker, 'delete/value', 'again'), first + 2);
    assert.deepEqual(await client.has(2), ['here', 'again'], 'a raw subscriber cannot be told of a removal');
    const refused = await request(at('delete/value'), { method: 'DELETE', body: 'x' });
    assert.deepEqual([refused.status, JSON.parse(refused.body).error], [400, 'body_not_empty']);
  });

  it('is one topic, not a filter', async () => {
    for (const method of ['GET', 'HEAD', 'POST', 'DELETE']) {
      for (const filter of ['a/+', 'a/%23', '%23']) {
        assert.equal((await request(at(filter), { method })).status, 400, `${method} ${filter}`);
      }
    }
  });

  it('takes many requests on one connection', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set();
    for (let i = 0; i < 50; ++i) {
      const posted = await request(at('keep/alive'), { method: 'POST', body: `${i}`, agent });
      assert.equal(posted.status, 200);
      const got = await request(at('keep/alive'), { agent });
      assert.equal(got.body.toString(), `${i}`);
      for (const list of Object.values(agent.freeSockets)) for (const socket of list) ports.add(socket.localPort);
    }
    agent.destroy();
    assert.equal(ports.size, 1, 'one connection did it all');
  });

  it('serves the page and its files with ETags, and nothing else', async () => {
    const page = await request(`${broker.url}/`);
    assert.equal(page.status, 200);
    assert.match(page.headers['content-type'], /^text\/html/);
    assert.match(page.body.toString(), /<title>Ringcast/);
    const files = [...page.body.toString().matchAll(/(?:src|href)="([^"]+)"/g)].map(([, name]) => name);
    assert.ok(files.length > 0);
    for (const file of ['', ...files]) {
      const answer = await request(`${broker.url}/${file}`);
      assert.equal(answer.status, 200, file);
      const again = await request(`${broker.url}/${file}`, { headers: { 'If-None-Match': answer.headers.etag } });
      assert.deepEqual([again.status, again.body.length], [304, 0], file);
      const head = await request(`${broker.url}/${file}`, { method: 'HEAD' });
      assert.deepEqual([head.headers['content-length'], head.body.length], [`${answer.body.length}`, 0], file);
    }
    for (const path of ['/nothing', '/../etc/passwd', '/%2e%2e/etc/passwd', '/topics2']) {
      assert.equal((await request(broker.url + path)).status, 404, path);
    }
  });
});
