// Server-sent events: as bytes, through curl, and in Chromium's EventSource.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Broker, kPatient, kShards, onEachBackend } from './broker.mjs';
import { publish, request } from './client.mjs';
import { EventStream } from './event_stream.mjs';
import { Program, require } from './program.mjs';

const { chromium } = require('playwright-core');

const kChromium = process.env.CHROMIUM ?? '/usr/bin/chromium';
const kMissing = existsSync(kChromium) ? false : `there is no ${kChromium}`;

// What the format can say of a text.
const withLineFeeds = (text) => text.replaceAll(/\r\n|\r/g, '\n');

onEachBackend('server-sent events', (io) => {
  it('bring each message of a topic once and in order, to streams on every shard, chunk by chunk', async (t) => {
    const broker = await Broker.of(t, { io });
    const streams = await Promise.all(Array.from({ length: 4 * kShards }, () => EventStream.open(broker, 'a/b')));
    for (const stream of streams) {
      assert.equal(stream.status, 200);
      assert.match(stream.head, /^content-type: text\/event-stream; charset=utf-8\r$/im);
      assert.match(stream.head, /^cache-control: no-cache, no-store, no-transform\r$/im);
      assert.match(stream.head, /^vary: accept\r$/im);
      assert.match(stream.head, /^x-accel-buffering: no\r$/im);
      assert.ok(stream.chunked);
    }
    const sent = Array.from({ length: 300 }, (_, i) => `message ${i} ${'x'.repeat((i * 37) % 700)}`);
    for (const text of sent) await publish(broker, 'a/b', text);
    for (const stream of streams) {
      assert.deepEqual(await stream.messages(sent.length), sent);
      assert.ok(stream.retry_ms >= 1000 && stream.retry_ms <= 3000);
      assert.ok(stream.ids >= 1 && stream.ids <= sent.length + 1);
      stream.close();
    }
  });

  it('keep a text as it was but for the kind of its line breaks, and carry large and empty messages', async (t) => {
    const broker = await Broker.of(t, { io });
    const stream = await EventStream.open(broker, 't');
    const texts = ['', ' ', '\n', '\r', '\r\n', 'a\nb', 'a\rb', 'a\r\nb\r', '\n\r\n\r', 'data: x', ': no', 'é 🛰', 'y'.repeat(1_000_000), 'line\r\n'.repeat(50_000)];
    for (const text of texts) await publish(broker, 't', text, { 'Content-Type': 'text/plain' });
    assert.deepEqual(await stream.messages(texts.length), texts.map(withLineFeeds));
    await publish(broker, 't', Buffer.from([0, 255, 10]), { 'Content-Type': 'application/octet-stream' });
    assert.deepEqual(await stream.messages(1), ['AP8K']);
    stream.close();
  });

  it('name the topic, as JSON, for wildcards and format=json; a removal is told', async (t) => {
    const broker = await Broker.of(t, { io });
    const [wild, json, exact] = await Promise.all([
      EventStream.open(broker, 'iot/#'),
      EventStream.open(broker, 'iot/kitchen', { query: 'format=json' }),
      EventStream.open(broker, 'iot/kitchen'),
    ]);
    await publish(broker, 'iot/kitchen', '{\n "c": 21 }', { 'Content-Type': 'application/json' });
    await request(`${broker.url}/topics/iot/kitchen`, { method: 'DELETE' });
    for (const stream of [wild, json]) {
      const [set, remove] = (await stream.messages(2)).map((data) => JSON.parse(data).message);
      assert.equal(set.topic, 'iot/kitchen');
      assert.equal(set.seq, 1);
      assert.deepEqual(set.json, { c: 21 });
      assert.equal(remove.op, 'remove');
    }
    const [set, remove] = await exact.take(2);
    assert.deepEqual([set.event, set.data], ['message', '{\n "c": 21 }']);
    assert.equal(remove.event, 'remove');
    assert.equal(JSON.parse(remove.data).message.topic, 'iot/kitchen');
    for (const stream of [wild, json, exact]) stream.close();
  });

  it('go to HTTP/1.0 without chunks, and to who prefers a value not at all', async (t) => {
    const broker = await Broker.of(t, { io });
    await publish(broker, 'a', 'value');
    const old = await EventStream.open(broker, 'a', { version: '1.0', query: 'last=1' });
    assert.equal(old.chunked, false);
    assert.doesNotMatch(old.head, /transfer-encoding|content-length/i);
    // Its head says that it was heard, not yet that the topic's home has looked for the last message.
    assert.deepEqual(await old.messages(1), ['value']);
    await publish(broker, 'a', 'next');
    assert.deepEqual(await old.messages(1), ['next']);
    old.close();
    for (const Accept of ['*/*', 'text/event-stream;q=0.5, */*']) {
      const answer = await request(`${broker.url}/topics/a`, { headers: { Accept } });
      assert.equal(answer.body.toString(), 'next');
      assert.match(answer.headers.vary, /\baccept\b/i);
    }
    const head = await request(`${broker.url}/topics/a`, { method: 'HEAD', headers: { Accept: 'text/event-stream' } });
    assert.equal(head.status, 200);
    assert.match(head.headers['content-type'], /^text\/event-stream/);
    const bad = await request(`${broker.url}/topics/a?colour=red`, { headers: { Accept: 'text/event-stream' } });
    assert.equal(bad.status, 400);
    assert.equal(JSON.parse(bad.body).error, 'unknown_parameter');
  });

  it('tell who comes back whether it has missed something', async (t) => {
    const broker = await Broker.of(t, { io });
    await publish(broker, 'a', 'one');
    for (const filter of ['a', '#']) {
      const first = await EventStream.open(broker, filter);
      const id = await first.untilId('');
      first.close();
      const back = await EventStream.open(broker, filter, { fields: { 'Last-Event-ID': id } });
      assert.equal((await back.take(1))[0].event, 'recovered');
      await publish(broker, 'a', 'live');
      assert.match((await back.messages(1))[0], /live/);
      back.close();
      const late = await EventStream.open(broker, filter, { fields: { 'Last-Event-ID': id } });
      const [value, recovered] = await late.take(2);
      assert.match(value.data, /live/);
      assert.equal(recovered.event, 'recovered');
      late.close();
    }
    const lost = await EventStream.open(broker, 'a', { fields: { 'Last-Event-ID': 'what?' } });
    assert.equal(lost.status, 200);
    assert.equal(JSON.parse((await lost.take(1))[0].data).reason, 'unknown_id');
    lost.close();
  });

  it('end for a slow reader with a notice, and nobody else notices', async (t) => {
    const broker = await Broker.of(t, { io, args: ['--max-outbox', '1MiB', '--max-message', '256KiB', ...kPatient.reading] });
    const before = broker.usage();
    const slow = await EventStream.open(broker, 'a', { paused: true });
    const healthy = await EventStream.open(broker, 'a');
    const payload = 'z'.repeat(100_000);
    let sent = 0;
    // Until the kernel's buffers and the outbox are full: then it is cut.
    for (; sent < 300; ++sent) {
      await publish(broker, 'a', payload);
      assert.deepEqual(await healthy.messages(1), [payload]);
    }
    slow.resume();
    await slow.end();
    assert.equal(slow.ended, true, 'its body had its end');
    const lag = slow.events.pop();
    assert.equal(lag.event, 'lag');
    assert.equal(JSON.parse(lag.data).reason, 'too_slow');
    assert.ok(slow.events.length < sent);
    assert.ok(slow.events.every(({ data }) => data === payload));
    healthy.close();
    await broker.recovered(before);
  });

  it('end well when the broker does', async (t) => {
    const broker = await Broker.start({ io });
    const streams = await Promise.all(['1.1', '1.0'].map((version) => EventStream.open(broker, 'a', { version })));
    await publish(broker, 'a', 'last words');
    for (const stream of streams) assert.deepEqual(await stream.messages(1), ['last words']);
    await broker.stop();
    for (const stream of streams) {
      assert.equal(await stream.end(), 'FIN');
      assert.equal(stream.ended, true);
      assert.deepEqual(stream.events.map(({ event }) => event), ['go_away']);
    }
  });

  it('leave nothing behind', async (t) => {
    const broker = await Broker.of(t, { io });
    const before = broker.usage();
    for (let round = 0; round < 5; ++round) {
      const streams = await Promise.all(Array.from({ length: 60 }, (_, i) => EventStream.open(broker, i % 2 ? 'x/#' : 'x/y', { query: 'last=1' })));
      await publish(broker, 'x/y', `round ${round}`);
      streams.forEach((stream, i) => (i % 3 === 0 ? stream.reset() : stream.close()));
    }
    await broker.recovered(before);
  });

  it('work with curl -N', async (t) => {
    const broker = await Broker.of(t, { io });
    const url = `${broker.url}/topics/chat/room1`;
    const curl = new Program('curl', ['-sSN', '-H', 'Accept: text/event-stream', url]);
    t.after(() => curl.kill());
    await curl.output(/^retry: \d+\n\n/);
    await publish(broker, 'chat/room1', 'hello\nworld');
    await curl.output(/\n\ndata: hello\ndata: world\n\n/);
    const old = new Program('curl', ['-sSN', '--http1.0', '-H', 'Accept: text/event-stream', `${url}?last=1`]);
    t.after(() => old.kill());
    await old.output(/data: hello\ndata: world\n\n/);
  });
});

// Runs in the page: opens an EventSource and keeps what it says in window.heard[name].
function listen([name, url]) {
  const heard = [];
  (window.heard ??= {})[name] = heard;
  const source = new EventSource(url);
  (window.sources ??= {})[name] = source;
  source.onopen = () => heard.push(['open']);
  source.onmessage = ({ data, lastEventId }) => heard.push(['message', data, lastEventId]);
  for (const type of ['gap', 'recovered', 'go_away', 'lag', 'remove']) {
    source.addEventListener(type, ({ data }) => heard.push([type, data]));
  }
}

onEachBackend('an EventSource of Chromium', (io) => {
  describe('there', { skip: kMissing }, () => {
    it('hears topics and filters in onmessage, comes back after a restart and says where it was', async (t) => {
      const browser = await chromium.launch({ executablePath: kChromium, args: ['--headless', '--no-sandbox', '--disable-gpu'], timeout: 60_000 });
      t.after(() => browser.close());
      const first = await Broker.startOnOwnPort({ io });
      const page = await (await browser.newContext()).newPage();
      page.setDefaultTimeout(60_000);
      await page.goto(first.url);
      const filters = { exact: '/topics/chat/room1', wild: '/topics/chat/%23' };
      for (const [name, path] of Object.entries(filters)) await page.evaluate(listen, [name, path]);
      const heard = (name, count) =>
        page.waitForFunction(([of, n]) => window.heard[of].length >= n, [name, count]).then(() => page.evaluate((of) => window.heard[of], name));
      for (const name of ['exact', 'wild']) assert.deepEqual(await heard(name, 1), [['open']]);

      const texts = ['hello', '', 'two\r\nlines\n', ' héllo 🛰'];
      for (const text of texts) await publish(first, 'chat/room1', text, { 'Content-Type': 'text/plain' });
      const messages = (events) => events.filter(([type]) => type === 'message').map(([, data]) => data);
      assert.deepEqual(messages(await heard('exact', 1 + texts.length)), texts.map(withLineFeeds));
      const ofWild = messages(await heard('wild', 1 + texts.length)).map((data) => JSON.parse(data).message);
      assert.deepEqual(ofWild.map(({ topic, seq, text }) => [topic, seq, text]), texts.map((text, i) => ['chat/room1', i + 1, text]));

      await first.stop();
      for (const name of ['exact', 'wild']) {
        const events = await heard(name, 2 + texts.length);
        assert.equal(events.at(-1)[0], 'go_away');
      }
      const second = await Broker.of(t, { io, port: first.port });
      await publish(second, 'chat/room1', 'after the restart');
      for (const name of ['exact', 'wild']) {
        await page.waitForFunction((of) => window.heard[of].some(([, data]) => data?.includes('after the restart')), name);
        const all = await heard(name, 5 + texts.length);
        // It may have come back before the first had ended, and been told once more to go.
        const events = all.slice(all.findLastIndex(([type]) => type === 'go_away') + 1);
        // A gap is told to who brings an id back.
        assert.deepEqual(events.map(([type]) => type), ['open', 'gap', 'message'], JSON.stringify(events));
        assert.equal(JSON.parse(events[1][1]).reason, 'restarted');
        assert.match(events[2][1], /after the restart/);
      }
      await page.context().close();
    });
  });
});
