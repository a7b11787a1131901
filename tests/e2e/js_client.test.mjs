// The JavaScript client (web/client) against the real broker on 4 shards, in both protocols: what is published is heard,
// refusals are told, rates are changed, iteration is bounded. The file that the binary serves is small, and works; so does
// what npm packs.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { connect } from '../../web/client/index.js';
import { Broker } from './broker.mjs';
import { request } from './client.mjs';
import { eventually, require, root, run, within } from './program.mjs';

const kSizeMax = 12 * 1024; // bytes of ringcast.js, minified and with gzip
const kSizeAllMax = 18 * 1024; // with what is loaded for Protocol Buffers and for shared connections

let broker;
const open = new Set();

function client(options, url = broker.url) {
  const rc = connect(url, options);
  open.add(rc);
  return rc;
}

const once = (target, type, check = () => true) => within(new Promise((resolve) =>
  target.addEventListener(type, (event) => check(event.detail) && resolve(event))), `the event ${type}`);
const hear = (messages, count) => eventually(() => messages.length >= count, () => `${count} messages, there are ${messages.length}`);

// The folder of what is served, as a page would load it.
async function served(t) {
  const folder = mkdtempSync(join(tmpdir(), 'ringcast-js-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const sizes = {};
  for (const name of ['ringcast.js', 'ringcast-proto.js', 'ringcast-shared.js']) {
    const plain = await request(`${broker.url}/${name}`);
    const packed = await request(`${broker.url}/${name}`, { headers: { 'Accept-Encoding': 'gzip' } });
    assert.equal(plain.status, 200);
    assert.equal(packed.headers['content-encoding'], 'gzip');
    assert.equal(plain.headers['content-type'], 'text/javascript; charset=utf-8');
    assert.match(plain.headers.etag, /^"[0-9a-f]{32}"$/);
    assert.equal(plain.headers['cache-control'], 'no-cache');
    const again = await request(`${broker.url}/${name}`, { headers: { 'If-None-Match': plain.headers.etag } });
    assert.equal(again.status, 304);
    sizes[name] = packed.body.length;
    writeFileSync(join(folder, name), plain.body);
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  return { folder, sizes };
}

describe('the JavaScript client', () => {
  before(async () => (broker = await Broker.start()));
  afterEach(async () => {
    await Promise.all([...open].map((rc) => rc.close()));
    open.clear();
  });
  after(() => broker.stop());

  for (const protocol of ['json', 'proto']) {
    describe(protocol, () => {
      it('everything that can be published is heard as it was', async () => {
        const rc = client({ protocol, name: 'test/1' });
        const topic = `${protocol}/kinds`;
        const heard = [];
        await rc.subscribe(`${protocol}/#`, {}, (message) => heard.push(message)).ready;
        const long = 'é'.repeat(50_000);
        const values = [{ px: 191.2 }, [1, null], 'héllo 🛰', '', 7, null, true, { text: long }, long, { nested: { '"': '\\' } }, 1e-7];
        const answers = await Promise.all(values.map((value) => rc.publish(topic, value)));
        const bytes = new Uint8Array(70_000).map((_, i) => i);
        await rc.publish(topic, bytes, { contentType: 'image/png', headers: { from: 'ann', ümlaut: 'ß' } });
        await rc.publish(topic, 'as JSON', { as: 'json' });
        await rc.event(topic, 'passes by');
        await rc.remove(topic);
        await hear(heard, values.length + 4);
        assert.deepEqual(heard.slice(0, values.length).map(({ data }) => data), values);
        const [binary, json, event, removal] = heard.slice(values.length);
        assert.deepEqual([binary.data, binary.format, binary.contentType, { ...binary.headers }], [bytes, 'binary', 'image/png', { from: 'ann', ümlaut: 'ß' }]);
        assert.deepEqual([json.data, json.format], ['as JSON', 'json']);
        assert.deepEqual([event.op, event.data, removal.op, removal.data], ['event', 'passes by', 'remove', undefined]);
        assert.deepEqual(heard.map(({ seq }) => seq), heard.map((_, i) => i + 1));
        for (const [i, { seq, epoch, status, timeUs }] of answers.entries()) {
          assert.deepEqual([status, seq, epoch, timeUs], ['sequenced', i + 1, rc.epoch, heard[i].timeUs]);
        }
        assert.ok(Math.abs(heard[0].time - Date.now()) < 60_000);
      });

      it('what cannot be is refused to who asked, and nobody else notices', async () => {
        const rc = client({ protocol });
        const published = [`${protocol}/1`, 'bad/+', `${protocol}/2`, '$broker/x'].map((topic) => rc.publish(topic, 1));
        const deep = (depth) => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
        // The most that the broker takes, all in one batch; of more it could not even say whose it is.
        for (const data of [deep(100), { a: [2 ** 63, -(2 ** 63 - 1024), 1e21] }]) published.push(rc.publish(`${protocol}/3`, data));
        await assert.rejects(rc.publish(`${protocol}/3`, deep(101)), { code: 'too_large' });
        await assert.rejects(rc.publish(`${protocol}/3`, [2 ** 64]), { code: 'bad_value' });
        const [first, wild, second, own, ...most] = await Promise.allSettled(published);
        assert.deepEqual(most.map(({ value }) => value?.seq), [1, 2]);
        assert.deepEqual([first.value.status, second.value.status], ['sequenced', 'sequenced']);
        assert.deepEqual([wild.reason.code, wild.reason.field, wild.reason.name], ['bad_topic', 'publish.topic', 'RingcastError']);
        assert.equal(own.reason.code, 'forbidden');
        await assert.rejects(rc.publish(`${protocol}/4`, 'x'.repeat(1024 * 1024)), { code: 'too_large' });
        const sub = rc.subscribe('a/#/b');
        const told = once(rc, 'error');
        await assert.rejects(sub.ready, { code: 'bad_filter' });
        assert.equal((await told).subscription, sub);
        await assert.rejects(sub[Symbol.asyncIterator]().next(), { code: 'bad_filter' });
        assert.equal(rc.state, 'connected');
        assert.equal((await rc.publish(`${protocol}/1`, 2)).seq, 2);
      });

      it('begins where it is asked to, and hears itself only if it wants to', async () => {
        const rc = client({ protocol });
        const topic = `${protocol}/start`;
        for (const value of [1, 2]) await rc.publish(topic, value);
        const begin = async (options) => {
          const heard = [];
          const sub = rc.subscribe(topic, options, ({ data, mark }) => heard.push([data, mark]));
          await once(sub, 'begun');
          sub.unsubscribe();
          return heard;
        };
        assert.deepEqual(await begin({ start: 'last' }), [[2, 'snapshot']]);
        assert.deepEqual(await begin({ start: { last: 5 } }), [[2, 'replay']]);
        assert.deepEqual(await begin({ start: { since: Date.now() - 60_000 } }), [[2, 'replay']]);
        const deaf = client({ protocol });
        const heard = [];
        await deaf.subscribe(topic, { echo: false }, ({ data }) => heard.push(data)).ready;
        await deaf.publish(topic, 'mine');
        await rc.publish(topic, 'yours');
        await hear(heard, 1);
        assert.deepEqual(heard, ['yours']);
      });

      it('a rate is kept, changed while it lives, and merges', async () => {
        const rc = client({ protocol });
        const topic = `${protocol}/rate`;
        const heard = [];
        const sub = rc.subscribe(topic, { delivery: 'latest', maxRateHz: 0.1 }, ({ data }) => heard.push(data));
        await sub.ready;
        for (let value = 1; value <= 50; ++value) rc.publish(topic, value);
        await rc.publish(topic, 'last');
        await sub.change({ maxRateHz: 100 });
        assert.deepEqual(sub.options, { delivery: 'latest', maxRateHz: 100, onLag: 'degrade' });
        await eventually(() => heard.at(-1) === 'last', 'the newest value');
        assert.ok(heard.length < 10, `${heard}`);
        await sub.change({ delivery: 'every', onLag: 'skip' });
        const before = heard.length;
        await Promise.all(Array.from({ length: 50 }, (_, i) => rc.publish(topic, i)));
        await eventually(() => heard.at(-1) === 49, 'every message');
        assert.equal(heard.length, before + 50);
        await assert.rejects(sub.change({ maxRateHz: 7 }), { code: 'usage' });
      });

      it('is iterated over, without growing where nobody takes', async () => {
        const rc = client({ protocol });
        const topic = `${protocol}/loop`;
        const sub = rc.subscribe(topic, { buffer: 10 });
        await sub.ready;
        const lags = [];
        sub.addEventListener('lag', ({ detail }) => lags.push([detail.skipped, detail.caughtUp, detail.local]));
        let last; // an answer does not say that the message has come
        await rc.subscribe(topic, {}, ({ data }) => (last = data)).ready;
        for (let value = 1; value <= 100; ++value) await rc.publish(topic, value);
        await eventually(() => last === 100, 'all of them');
        const taken = [];
        for await (const { data } of sub) {
          taken.push(data);
          if (data === 100) break;
        }
        assert.deepEqual(taken, [91, 92, 93, 94, 95, 96, 97, 98, 99, 100]);
        assert.deepEqual(lags, [[1, false, true], [89, true, true]]);
        assert.ok(sub.isEnded);
        assert.ok(!rc.subscriptions.includes(sub));
      });

      it('refuses what would wait without bound, and says when there is room', async () => {
        const rc = client({ protocol, pending: { messages: 100 } });
        const published = Array.from({ length: 150 }, () => rc.publish(`${protocol}/full`, 1));
        assert.equal(rc.pending, 100);
        const results = await Promise.allSettled(published);
        assert.deepEqual(results.slice(100).map(({ reason }) => reason.code), Array(50).fill('full'));
        assert.ok(results.slice(0, 100).every(({ value }) => value.status === 'sequenced'));
        await rc.room();
        assert.equal((await rc.publish(`${protocol}/full`, 1)).seq, 101);
      });

      it('publishes of one turn travel together', async () => {
        const sent = [];
        class Watched extends WebSocket {
          send(data) {
            sent.push(data);
            super.send(data);
          }
        }
        const rc = client({ protocol, WebSocket: Watched });
        await rc.ready;
        const before = sent.length;
        const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => rc.publish(`${protocol}/batch/${i % 7}`, { i })));
        assert.equal(sent.length, before + 1);
        assert.ok(answers.every(({ status }) => status === 'sequenced'));
      });

      it('works with the WebSocket of npm’s ws, and with a token beside the subprotocol', async () => {
        const rc = client({ protocol, WebSocket: require('ws'), token: async () => 'eyJhbGciOi.J9-_x' });
        assert.equal((await rc.publish(`${protocol}/ws`, new Uint8Array([1]))).seq, 1);
        for await (const { data } of rc.subscribe(`${protocol}/ws`, { start: 'last' })) {
          assert.deepEqual(data, new Uint8Array([1]));
          break;
        }
      });
    });
  }

  it('closes when all is answered; later there is nothing to be had', async () => {
    const rc = client();
    const sub = rc.subscribe('closing');
    const published = rc.publish('closing', 'x');
    await rc.close();
    assert.equal((await published).status, 'sequenced');
    assert.deepEqual([rc.state, sub.isEnded], ['closed', true]);
    await assert.rejects(rc.publish('closing', 'y'), { code: 'closed' });
    assert.throws(() => rc.subscribe('closing'), { code: 'closed' });
    await assert.rejects(rc.ready, { code: 'closed' });
  });

  it(`what is served at /ringcast.js has at most ${kSizeMax} bytes, and works`, async (t) => {
    const { folder, sizes } = await served(t);
    const all = Object.values(sizes).reduce((sum, bytes) => sum + bytes);
    t.diagnostic(`minified and with gzip: ${JSON.stringify(sizes)}, ${all} in all`);
    assert.ok(sizes['ringcast.js'] <= kSizeMax, `${sizes['ringcast.js']} bytes`);
    assert.ok(all <= kSizeAllMax, `${all} bytes`);
    const bundle = await import(pathToFileURL(join(folder, 'ringcast.js')));
    for (const protocol of ['json', 'proto']) {
      const rc = bundle.connect(broker.url, { protocol });
      open.add(rc);
      assert.equal((await rc.publish(`served/${protocol}`, 1)).seq, 1);
    }
  });

  it('the example of the README runs, and says what it should', async (t) => {
    const page = readFileSync(join(root, 'README.md'), 'utf8');
    const [, source] = page.match(/^## The JavaScript client\n[\s\S]*?^```js\n([\s\S]*?)^```$/m);
    const { folder } = await served(t);
    const program = source.replace("'/ringcast.js'", "'./ringcast.js'").replace('http://127.0.0.1:8080', broker.url);
    assert.notEqual(program, source);
    writeFileSync(join(folder, 'example.js'), program);
    const { code, out, lines } = await run(process.execPath, [join(folder, 'example.js')]);
    assert.deepEqual([code, lines], [0, []]);
    const said = out.trim().split('\n');
    // The price comes within a tenth of a second, and the example may have ended by then.
    const certain = said.filter((line) => line !== 'ticker/nasdaq/AAPL 191.2');
    assert.deepEqual(certain.toSorted(), ['chat/room1 hello', 'closed', 'connected', 'published as 1']);
  });

  it('what npm packs is imported by its name', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'ringcast-pack-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const npm = ['pack', '--offline', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder];
    const [archive] = execFileSync('npm', npm, { cwd: join(root, 'web/client'), encoding: 'utf8' }).trim().split('\n').slice(-1);
    mkdirSync(join(folder, 'node_modules/ringcast'), { recursive: true });
    execFileSync('tar', ['-xzf', join(folder, archive), '-C', join(folder, 'node_modules/ringcast'), '--strip-components=1']);
    writeFileSync(join(folder, 'program.mjs'), "export * from 'ringcast';");
    const packed = await import(pathToFileURL(join(folder, 'program.mjs')));
    const { version, types } = JSON.parse(readFileSync(join(folder, 'node_modules/ringcast/package.json')));
    assert.match(version, /^\d+\.\d+\.\d+$/);
    assert.ok(readFileSync(join(folder, 'node_modules/ringcast', types), 'utf8').includes('export function connect'));
    assert.deepEqual(Object.keys(packed).sort(), ['RingcastError', 'connect']);
    const rc = packed.connect(broker.url, { protocol: 'proto' });
    open.add(rc);
    assert.equal((await rc.publish('packed', 1)).seq, 1);
  });
});
