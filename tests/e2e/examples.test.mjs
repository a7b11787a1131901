// The examples in Chromium, as the binary serves them: each does what it says, in two windows where it takes two.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Broker } from './broker.mjs';
import { kMissing, launch, watchedPage } from './chromium.mjs';
import { Program, binary, eventually, root } from './program.mjs';

describe('the examples', { skip: kMissing }, () => {
  let broker;
  let demo;
  let browser;
  before(async () => {
    broker = await Broker.start({ args: ['--history', 'examples/#=1000'] }); // as ./dev run does
    demo = new Program(binary, ['demo', '--url', broker.url, '--symbols', '30', '--rate', '300']);
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    demo.kill('SIGINT');
    assert.deepEqual(await demo.ended(), { code: 0, signal: null });
    await broker.stop();
  });

  // Runs body(…pages), each a window of its own, and looks whether anything went wrong there.
  async function inWindows(name, count, body) {
    const windows = [];
    for (let at = 0; at < count; at += 1) {
      const window = await watchedPage(browser, { viewport: { width: 800, height: 700 } });
      await window.page.goto(`${broker.url}/examples/${name}.html`);
      await window.page.waitForFunction(() => document.querySelector('#state').textContent === 'connected');
      windows.push(window);
    }
    await body(...windows.map(({ page }) => page));
    for (const { page, seen } of windows) {
      assert.deepEqual(seen.wrong, []);
      assert.deepEqual([...seen.hosts], [`127.0.0.1:${broker.port}`]);
      await page.context().close();
    }
  }

  const shows = (page, selector, text) =>
    page.waitForFunction(([where, what]) => document.querySelector(where).textContent.includes(what), [selector, text]);
  it('are all listed', async () => {
    const { page, seen } = await watchedPage(browser);
    await page.goto(`${broker.url}/examples/`);
    const listed = await page.locator('dt a').evaluateAll((links) => links.map((link) => link.getAttribute('href')));
    const there = readdirSync(join(root, 'web/examples')).filter((name) => name.endsWith('.html') && name !== 'index.html');
    assert.deepEqual(listed.sort(), there.sort());
    assert.deepEqual(seen.wrong, []);
    await page.context().close();
  });

  it('ticker: more updates come when more are wanted', () => inWindows('ticker', 1, async (page) => {
    // Updates of the last second, told between these two.
    const receives = (least, most) => page.waitForFunction(([low, high]) => {
      const received = Number(document.querySelector('#received').textContent);
      return received >= low && received <= high;
    }, [least, most]);
    await page.waitForFunction(() => document.querySelectorAll('#prices li').length === 10);
    const setRate = (value) => page.locator('#rate').evaluate((input, to) => {
      input.value = to;
      input.dispatchEvent(new Event('input'));
    }, value);
    await setRate('1');
    await receives(1, 20); // ten topics, and a second is not sharp
    await setRate('20');
    await receives(31, Infinity);
  }));

  it('gauges: shows each sensor and how old it is', () => inWindows('gauges', 1, async (page) => {
    await page.waitForFunction(() => [...document.querySelectorAll('#gauges meter')].some((meter) => meter.value > 0));
    await page.waitForFunction(() => / %, \d+\.\d s ago/.test(document.querySelector('#gauges small').textContent));
  }));

  it('chat: everybody hears everybody, a page that is loaded anew has missed nothing, and who leaves is gone', () => inWindows('chat', 2, async (ann, bob) => {
    const names = await Promise.all([ann, bob].map((page) => page.inputValue('#name')));
    for (const page of [ann, bob]) for (const name of names) await shows(page, '#people', name);
    const say = async (page, text) => {
      await page.fill('#text', text);
      await page.click('#say button');
    };
    await say(ann, 'hello bob');
    for (const page of [ann, bob]) await shows(page, '#log', `${names[0]}: hello bob`);
    await bob.waitForFunction(() => sessionStorage.getItem('point') !== null);
    await bob.goto('about:blank');
    await ann.waitForFunction((name) => !document.querySelector('#people').textContent.includes(name), names[1]);
    await say(ann, 'are you there?');
    await shows(ann, '#log', 'are you there?');
    await bob.goBack();
    await shows(bob, '#log', 'are you there?');
  }));

  it('whiteboard: a line is drawn for others, and once only for oneself', () => inWindows('whiteboard', 2, async (ann, bob) => {
    const box = await ann.locator('#board').boundingBox();
    await ann.mouse.move(box.x + 50, box.y + 50);
    await ann.mouse.down();
    for (let step = 1; step <= 10; step += 1) await ann.mouse.move(box.x + 50 + 10 * step, box.y + 50);
    await ann.mouse.up();
    const strokes = (page) => page.locator('#board').evaluate((board) => Number(board.dataset.strokes ?? 0));
    await eventually(async () => (await strokes(ann)) > 0 && (await strokes(ann)) === (await strokes(bob)), 'as many strokes in both windows');
    await bob.click('#clear');
    await ann.waitForFunction(() => {
      const board = document.querySelector('#board');
      return board.getContext('2d').getImageData(0, 0, board.width, board.height).data.every((value) => value === 0);
    });
  }));

  it('game: each sees the other, who can leave', () => inWindows('game', 2, async (ann, bob) => {
    for (const page of [ann, bob]) await shows(page, '#players', '2');
    await ann.focus('#field');
    const box = await ann.locator('#field').boundingBox();
    // Over all of the field: the coin is somewhere on it.
    await ann.waitForFunction(([width, height]) => {
      const field = document.querySelector('#field');
      for (let x = 0; x < width; x += 12) {
        for (let y = 0; y < height; y += 12) field.dispatchEvent(new PointerEvent('pointermove', { clientX: field.getBoundingClientRect().x + x, clientY: field.getBoundingClientRect().y + y }));
      }
      return Number(document.querySelector('#coins').textContent) > 0;
    }, [box.width, box.height]);
    await bob.goto('about:blank');
    await shows(ann, '#players', '1');
    await bob.goBack();
    await shows(bob, '#players', '2');
  }));

  it('notifications: who is there hears them, who comes later does not', () => inWindows('notifications', 2, async (ann, bob) => {
    for (const page of [ann, bob]) await shows(page, '#told', 'Listening');
    await ann.fill('#text', 'the build is red');
    await ann.click('#send button');
    for (const page of [ann, bob]) await shows(page, '#inbox', 'the build is red');
    const late = await watchedPage(browser);
    await late.page.goto(`${broker.url}/examples/notifications.html`);
    await shows(late.page, '#told', 'Listening');
    await ann.fill('#text', 'green again');
    await ann.click('#send button');
    for (const page of [bob, late.page]) await shows(page, '#inbox', 'green again');
    assert.doesNotMatch(await late.page.locator('#inbox').innerText(), /red/);
    await late.page.context().close();
  }));

  it('media: pictures are seen in the other window', () => inWindows('media', 2, async (ann, bob) => {
    await ann.click('#send');
    await shows(bob, '#figures', 'pictures');
    await bob.waitForFunction(() => parseInt(document.querySelector('#figures').textContent, 10) >= 3);
    const isPainted = await bob.locator('#picture').evaluate((canvas) => canvas.getContext('2d').getImageData(10, 10, 1, 1).data[3] === 255);
    assert.ok(isPainted);
    await ann.click('#send');
  }));
});
