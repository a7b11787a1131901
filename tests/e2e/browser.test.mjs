// In Chromium: the page that the binary serves shows live data, plain WebSockets work, and pages of strangers get
// nothing. Screenshots go to build/screenshots.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Broker, onEachBackend } from './broker.mjs';
import { request } from './client.mjs';
import { Program, binary, require, root } from './program.mjs';

const { chromium } = require('playwright-core');

const kChromium = process.env.CHROMIUM ?? '/usr/bin/chromium';
const kMissing = existsSync(kChromium) ? false : `there is no ${kChromium}`;
const kScreenshots = join(root, 'build/screenshots');

// A stranger's host that leads here, as DNS rebinding makes it; no other name leads anywhere.
const kStranger = 'evil.example';
const kFlags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  `--host-resolver-rules=MAP ${kStranger} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost`,
];

const launch = () => chromium.launch({ executablePath: kChromium, args: kFlags, timeout: 60_000 });

// A page that remembers what went wrong and where it went.
async function watchedPage(browser, options) {
  const page = await (await browser.newContext(options)).newPage();
  page.setDefaultTimeout(60_000);
  const seen = { wrong: [], hosts: new Set() };
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) seen.wrong.push(message.text());
  });
  page.on('pageerror', (error) => seen.wrong.push(error.message));
  page.on('requestfailed', (failed) => seen.wrong.push(`${failed.url()}: ${failed.failure().errorText}`));
  page.on('request', (sent) => seen.hosts.add(new URL(sent.url()).host));
  page.on('websocket', (socket) => seen.hosts.add(new URL(socket.url()).host));
  return { page, seen };
}

// Runs in the page: a WebSocket that sends `messages` to `url` and gives back what it hears, or how it was closed.
// Binary comes and goes as arrays of numbers. `wanted.extensions`: also what was negotiated.
function exchange({ url, messages, wanted = {} }) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    const heard = [];
    socket.onopen = () => {
      for (const message of messages) socket.send(typeof message === 'string' ? message : new Uint8Array(message));
    };
    socket.onmessage = ({ data }) => {
      heard.push(typeof data === 'string' ? data : [...new Uint8Array(data)]);
      if (heard.length === messages.length) socket.close(1000, 'enough');
    };
    socket.onclose = ({ code, wasClean }) => resolve({ heard, code, wasClean, ...(wanted.extensions && { extensions: socket.extensions }) });
  });
}

describe('the page in Chromium', { skip: kMissing }, () => {
  let broker;
  let demo;
  let browser;
  before(async () => {
    mkdirSync(kScreenshots, { recursive: true });
    broker = await Broker.start();
    demo = new Program(binary, ['demo', '--url', broker.url, '--symbols', '100', '--rate', '200']);
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    demo.kill('SIGINT');
    assert.deepEqual(await demo.ended(), { code: 0, signal: null });
    await broker.stop();
  });

  const number = (page, selector) => page.locator(selector).innerText().then((text) => Number(text.replaceAll(/\D/g, '')));

  // It is live, and goes on changing.
  async function assertLive(page) {
    await page.waitForSelector('#state[data-state=live]');
    await page.waitForSelector('#market tbody tr');
    await page.waitForSelector('#machines .card');
    const total = await number(page, '#total');
    const table = await page.locator('#market tbody').innerText();
    const machine = await page.locator('#machines').innerText();
    await page.waitForFunction((before) => Number(document.querySelector('#total').textContent.replaceAll(/\D/g, '')) > before, total);
    await page.waitForFunction((before) => document.querySelector('#market tbody').innerText !== before, table);
    await page.waitForFunction((before) => document.querySelector('#machines').innerText !== before, machine);
    await page.waitForFunction(() => document.querySelector('#rate').textContent !== '0');
  }

  for (const [device, viewport] of [
    ['desktop', { viewport: { width: 1280, height: 800 } }],
    ['phone', { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 }],
  ]) {
    for (const colorScheme of ['light', 'dark']) {
      it(`shows live data, ${device}, ${colorScheme}, without an error and from this machine only`, async () => {
        const { page, seen } = await watchedPage(browser, { ...viewport, colorScheme });
        const response = await page.goto(broker.url);
        assert.equal(response.status(), 200);
        await assertLive(page);
        const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
        assert.ok(content <= screen, `nothing is wider than the screen: ${content} > ${screen}`);
        await page.screenshot({ path: join(kScreenshots, `${device}-${colorScheme}.png`), fullPage: device === 'desktop' });
        assert.deepEqual(seen.wrong, []);
        assert.deepEqual([...seen.hosts], [`127.0.0.1:${broker.port}`]);
        await page.context().close();
      });
    }
  }

  it('publishes what is typed into it and shows what comes back', async () => {
    const { page, seen } = await watchedPage(browser);
    await page.goto(broker.url);
    await page.fill('#try-message', 'typed <b>by hand</b>');
    await page.click('#try-form button');
    await page.waitForFunction(() => document.querySelector('#try-log').innerText.includes('typed <b>by hand</b>'));
    const answer = await request(`${broker.url}/topics/chat/room1`);
    assert.equal(answer.body.toString(), 'typed <b>by hand</b>');
    assert.deepEqual(seen.wrong, []);
    await page.context().close();
  });

  it('comes back by itself when the broker does', async () => {
    const first = await Broker.startOnOwnPort();
    const { page } = await watchedPage(browser);
    await page.goto(first.url);
    await page.waitForSelector('#state[data-state=live]');
    await first.stop();
    await page.waitForSelector('#state[data-state=waiting], #state[data-state=connecting]');
    const second = await Broker.start({ port: first.port });
    await page.waitForSelector('#state[data-state=live]');
    await page.context().close();
    await second.stop();
  });
});

onEachBackend('a WebSocket of Chromium', (io) => {
  describe('there', { skip: kMissing }, () => {
    let broker;
    let browser;
    let strangers; // a web server whose pages have another origin
    const servers = [];
    before(async () => {
      broker = await Broker.start({ io });
      browser = await launch();
      strangers = http.createServer((_, response) => response.setHeader('Content-Type', 'text/html').end('<!doctype html>'));
      await new Promise((resolve) => strangers.listen(0, '127.0.0.1', resolve));
      servers.push(strangers);
    });
    after(async () => {
      await browser?.close();
      for (const server of servers) server.close();
      await broker.stop();
    });

    async function pageAt(url) {
      const { page } = await watchedPage(browser);
      await page.goto(url);
      return page;
    }
    const strangersPage = () => pageAt(`http://${kStranger}:${strangers.address().port}/`);

    // Chromium offers to compress on every connection; what it says of the answer begins with the extension's name.
    async function assertHearsItself(page, itsBroker) {
      const messages = ['héllo 🛰', [0, 255, 128], '', [], 'x'.repeat(1024 * 1024)];
      const { extensions, ...answer } = await page.evaluate(exchange, { url: itsBroker.topic('chat/room1'), messages, wanted: { extensions: true } });
      assert.deepEqual(answer, { heard: messages, code: 1000, wasClean: true });
      return extensions;
    }

    it('hears itself, text as text and binary as binary, with compression and without', async () => {
      const page = await pageAt(broker.url);
      assert.match(await assertHearsItself(page, broker), /^permessage-deflate\b/);
      const plain = await Broker.start({ io, args: ['--compression', 'off'] });
      assert.equal(await assertHearsItself(page, plain), '');
      await plain.stop();
      const host = broker.topic('chat/room1').replace('127.0.0.1', 'localhost');
      assert.equal((await page.evaluate(exchange, { url: host, messages: ['by name'] })).code, 1000);
      await page.context().close();
    });

    it('hears what its page publishes by fetch, which reads it again', async () => {
      const page = await pageAt(broker.url);
      const heard = await page.evaluate(async (topic) => {
        const socket = new WebSocket(topic.replace('http', 'ws'));
        await new Promise((resolve) => (socket.onopen = resolve));
        const message = new Promise((resolve) => (socket.onmessage = ({ data }) => resolve(data)));
        const posted = await fetch(topic, { method: 'POST', body: JSON.stringify({ px: 191.25 }) });
        const value = await fetch(topic);
        const again = await fetch(topic, { headers: { 'If-None-Match': value.headers.get('ETag') }, cache: 'no-store' });
        const removed = await fetch(topic, { method: 'DELETE' });
        const gone = await fetch(topic);
        return [await message, (await posted.json()).topic, await value.json(), again.status, removed.status, gone.status];
      }, `${broker.url}/topics/chat/fetched`);
      assert.deepEqual(heard, ['{"px":191.25}', 'chat/fetched', { px: 191.25 }, 304, 200, 404]);
      await page.context().close();
    });

    it('is told why it is closed', async () => {
      const page = await pageAt(broker.url);
      const answer = await page.evaluate(exchange, { url: broker.topic('a/+'), messages: ['to whom?'] });
      assert.deepEqual(answer, { heard: [], code: 1008, wasClean: true });
      await page.context().close();
    });

    it('is refused to a page of another origin, unless that is allowed', async () => {
      const page = await strangersPage();
      const refused = await page.evaluate(exchange, { url: broker.topic('chat/room1'), messages: ['hello'] });
      assert.deepEqual(refused, { heard: [], code: 1006, wasClean: false });

      const allowing = await Broker.start({ io, args: ['--allowed-origin', `http://${kStranger}:${strangers.address().port}`] });
      const allowed = await page.evaluate(exchange, { url: allowing.topic('chat/room1'), messages: ['hello'] });
      assert.deepEqual(allowed, { heard: ['hello'], code: 1000, wasClean: true });
      await page.context().close();
      await allowing.stop();
    });

    it('is refused to a page whose name was made to lead here (DNS rebinding), and so is the page', async () => {
      const page = await strangersPage();
      const here = `${kStranger}:${broker.port}`;
      const refused = await page.evaluate(exchange, { url: `ws://${here}/topics/chat/room1`, messages: ['hello'] });
      assert.deepEqual(refused, { heard: [], code: 1006, wasClean: false });
      const response = await page.goto(`http://${here}/`);
      assert.equal(response.status(), 403);
      assert.equal((await response.json()).error, 'host_not_allowed');
      await page.context().close();
    });

    it('cannot be got round by a simple POST of another origin', async () => {
      const page = await strangersPage();
      await page.evaluate(
        (url) => fetch(url, { method: 'POST', mode: 'no-cors', body: 'forged' }).catch(() => {}),
        `${broker.url}/topics/chat/forged`,
      );
      assert.equal((await request(`${broker.url}/topics/chat/forged`)).status, 404);
      await page.context().close();
    });
  });
});
