// The JavaScript client in Chromium, from the URL that the binary serves: it works, comes back when the broker does, slows
// down where nobody looks, and two tabs share one connection.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Broker } from './broker.mjs';
import { kMissing, launch } from './chromium.mjs';
import { publish } from './client.mjs';
import { eventually } from './program.mjs';
import { Proxy } from './proxy.mjs';

const kLarge = 'x'.repeat(100_000);

describe('the JavaScript client in Chromium', { skip: kMissing }, () => {
  let broker;
  let browser;
  before(async () => {
    broker = await Broker.start();
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await broker.stop();
  });

  // A page of the broker, with the client in `rc` and what it hears in `heard`; `wrong`: what its console complained of.
  async function pageOf(context, { url = broker.url, options = {}, from = broker.url } = {}) {
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.wrong = [];
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && page.wrong.push(message.text()));
    page.on('pageerror', (error) => page.wrong.push(error.message));
    await page.route('**/favicon.ico', (route) => route.fulfill({ status: 204 }));
    await page.goto(`${from}/icon.svg`); // which does nothing itself
    await page.evaluate(async ({ url: to, options: given }) => {
      const { connect } = await import('/ringcast.js');
      window.heard = [];
      window.events = [];
      window.rc = connect(to, given);
      for (const type of ['gap', 'recovered', 'conflated', 'error']) window.rc.addEventListener(type, () => window.events.push(type));
      await window.rc.ready;
    }, { url, options });
    return page;
  }

  const subscribe = (page, filter, options = {}) => page.evaluate(([name, given]) =>
    window.rc.subscribe(name, given, ({ topic, data }) => window.heard.push([topic, data])).ready.then(() => {}), [filter, options]);
  const hear = async (page, wanted) => {
    await eventually(() => page.evaluate((count) => window.heard.length >= count, wanted.length), () => `${wanted.length} messages`);
    assert.deepEqual(await page.evaluate(() => window.heard.splice(0)), wanted);
  };

  for (const protocol of ['json', 'proto']) {
    it(`publishes and hears, ${protocol}, and comes back when the broker does, without a reload`, async (t) => {
      const first = await Broker.start();
      const context = await browser.newContext();
      t.after(() => context.close());
      // No URL: the broker that served the file.
      const page = await pageOf(context, { url: null, from: first.url, options: { protocol, reconnect: { minMs: 300 } } });
      await subscribe(page, 'page/#', { start: 'last' });
      const seqs = await page.evaluate(() => Promise.all([1, 'text', { a: [1] }].map((data) => window.rc.publish('page/a', data).then(({ seq }) => seq))));
      assert.deepEqual(seqs, [1, 2, 3]);
      await publish(first, 'page/b', 'from outside');
      await hear(page, [['page/a', 1], ['page/a', 'text'], ['page/a', { a: [1] }], ['page/b', 'from outside']]);
      const bytes = await page.evaluate(async () => {
        await window.rc.event('page/c', new Uint8Array([0, 255]));
        return new Promise((resolve) => (function look() {
          if (window.heard.length) resolve([...window.heard.pop()[1]]);
          else setTimeout(look, 5);
        })());
      });
      assert.deepEqual([bytes, page.wrong], [[0, 255], []]);
      await first.stop();
      const second = await Broker.of(t, { port: first.port });
      await eventually(() => page.evaluate(() => window.rc.state === 'connected' && window.events.includes('gap')), 'the client to come back');
      await publish(second, 'page/a', 'again');
      await hear(page, [['page/a', 'again']]);
    });
  }

  it('slows down while its page is hidden, and is itself again when it is shown', async (t) => {
    const context = await browser.newContext();
    t.after(() => context.close());
    const frames = [];
    context.on('page', (page) => page.on('websocket', (socket) => {
      socket.on('framesent', ({ payload }) => frames.push(payload));
      socket.on('framereceived', ({ payload }) => frames.push(payload));
    }));
    const page = await pageOf(context, { options: { hiddenRateHz: 0.001 } });
    await subscribe(page, 'hidden/fast', { delivery: 'latest', maxRateHz: 100 });
    await subscribe(page, 'hidden/every');
    const show = (state) => page.evaluate((value) => {
      Object.defineProperty(document, 'visibilityState', { value, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, state);
    const changed = (count) => eventually(() => frames.filter((each) => each.startsWith('{"changed"')).length === count, `${count} changes`);
    await show('hidden');
    await changed(1);
    const rates = () => frames.filter((each) => each.startsWith('{"change"')).map((each) => JSON.parse(each).change.max_rate_hz);
    assert.deepEqual(rates(), [0.001], 'that of the subscription to every message is none');
    await publish(broker, 'hidden/fast', 'later');
    await publish(broker, 'hidden/every', 'now');
    await eventually(() => page.evaluate(() => window.heard.some(([topic]) => topic === 'hidden/every')), 'what is not slowed down');
    await show('visible');
    await changed(2);
    assert.deepEqual(rates(), [0.001, 100]);
    await eventually(() => page.evaluate(() => window.heard.length === 2), 'the newest value');
    assert.deepEqual((await page.evaluate(() => window.heard)).toSorted(), [['hidden/every', 'now'], ['hidden/fast', 'later']]);
    assert.deepEqual(page.wrong, []);
  });

  describe('two tabs that share', () => {
    let proxy; // in front of the broker: it counts connections
    before(async () => {
      proxy = await Proxy.start();
      proxy.target = broker.port;
    });
    after(() => proxy.stop());

    for (const protocol of ['json', 'proto']) {
      it(`have one connection, ${protocol}, both hear everything, and a closed tab frees what it had`, async (t) => {
        const context = await browser.newContext();
        t.after(() => context.close());
        const before = proxy.connections;
        const options = { protocol, shared: true };
        const one = await pageOf(context, { url: proxy.url, options });
        const two = await pageOf(context, { url: proxy.url, options });
        await subscribe(one, `${protocol}/both`);
        await subscribe(two, `${protocol}/both`);
        await subscribe(two, `${protocol}/second`);
        const published = await one.evaluate((topic) => Promise.all([window.rc.publish(topic, 'a'), window.rc.publish(topic, { b: 1 })])
          .then((answers) => answers.map(({ seq, status }) => [seq, status])), `${protocol}/both`);
        assert.deepEqual(published, [[1, 'sequenced'], [2, 'sequenced']]);
        await two.evaluate((topic) => window.rc.publish(topic, 'c'), `${protocol}/both`);
        const all = ['a', { b: 1 }, 'c'].map((data) => [`${protocol}/both`, data]);
        await hear(one, all);
        await hear(two, all);
        assert.equal(proxy.connections - before, 1);

        const refused = await two.evaluate(() => window.rc.publish('no/+', 1).catch(({ name, code }) => [name, code]));
        assert.deepEqual(refused, ['RingcastError', 'bad_topic']);
        await publish(broker, `${protocol}/second`, kLarge);
        await hear(two, [[`${protocol}/second`, kLarge]]);
        await two.close();
        // What the closed tab had subscribed to does not come any more.
        await eventually(async () => {
          const passed = proxy.bytes;
          await publish(broker, `${protocol}/second`, kLarge);
          await publish(broker, `${protocol}/both`, 'after');
          await hear(one, [[`${protocol}/both`, 'after']]);
          return proxy.bytes - passed < kLarge.length;
        }, 'the end of its subscription');
        assert.deepEqual(one.wrong, []);
        await one.close();
        await eventually(() => proxy.open === 0, 'the end of the connection');
      });
    }

    it('go on where they were after a lost connection', async (t) => {
      const context = await browser.newContext();
      t.after(() => context.close());
      const options = { shared: 'by name', reconnect: { minMs: 300 } };
      const pages = [await pageOf(context, { url: proxy.url, options }), await pageOf(context, { url: proxy.url, options })];
      for (const page of pages) await subscribe(page, 'shared/lost');
      for (const page of pages) await eventually(() => page.evaluate(() => window.rc.subscriptions[0].point.token !== ''), 'a checkpoint');
      proxy.target = undefined;
      proxy.cut();
      await eventually(() => pages[1].evaluate(() => window.rc.state !== 'connected'), 'the loss');
      await publish(broker, 'shared/lost', 'missed');
      proxy.target = broker.port;
      for (const page of pages) {
        await hear(page, [['shared/lost', 'missed']]);
        await eventually(() => page.evaluate(() => window.events.includes('recovered')), 'that it is told');
      }
    });

    it('have one each where there is no SharedWorker', async (t) => {
      const context = await browser.newContext();
      t.after(() => context.close());
      await context.addInitScript(() => delete window.SharedWorker);
      const before = proxy.connections;
      const pages = [];
      for (let i = 0; i < 2; ++i) pages.push(await pageOf(context, { url: proxy.url, options: { shared: true } }));
      assert.equal(proxy.connections - before, 2);
      for (const page of pages) await subscribe(page, 'shared/none');
      await publish(broker, 'shared/none', 'x');
      for (const page of pages) await hear(page, [['shared/none', 'x']]);
    });

    it('have one each where the worker’s script is not there', async (t) => {
      const context = await browser.newContext();
      t.after(() => context.close());
      const page = await pageOf(context, { options: { shared: true, worker: '/there/is/none.js' } });
      assert.equal(await page.evaluate(() => window.rc.publish('shared/own', 1).then(({ seq }) => seq)), 1);
    });
  });
});
