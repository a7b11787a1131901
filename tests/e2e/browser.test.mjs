// In Chromium: plain WebSockets and fetch work, and pages of strangers get nothing. The dashboard and the examples have
// tests of their own.

import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import { Broker, onEachBackend } from './broker.mjs';
import { kMissing, kStranger, launch, watchedPage } from './chromium.mjs';
import { request } from './client.mjs';

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
