// perf/page's work.
//
// The dashboard in Debian's Chromium, without a graphics card, while `ringcast demo` publishes 20,000 ticks a second of 500
// symbols; broker, demo and browser share the machine. For each pace of the slider: updates published and received by the
// page's own figures, frames drawn and left out, tasks of more than 50 ms on the page's thread (PerformanceObserver), and how
// much of a CPU that thread used.

import { execFile, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import os from 'node:os';
import { keep } from './broker.mjs';
import { tail } from './figures.mjs';
import { settings, sleep } from './show.mjs';

const require = createRequire(new URL('../web/package.json', import.meta.url));
const { chromium } = require('playwright-core');

const options = settings('perf/page: does the dashboard stay smooth?', {
  symbols: [500, 50, 'symbols, each a topic'],
  rate: [20_000, 1000, 'ticks per second of all of them'],
  seconds: [10, 2, 'measured at each pace'],
  chromium: [process.env.CHROMIUM ?? '/usr/bin/chromium', '/usr/bin/chromium', 'the browser'],
});
const kPaces = ['0', '5', '8', '9']; // steps of the slider: one per 5 s, 10/s, as fast as it goes, every message
const kSettleMs = 4000;
const kFrameMs = 1000 / 60;

// Starts the broker and gives back its URL.
function startBroker() {
  const child = keep(spawn(`${options.build}/ringcast`, ['serve', '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'], { stdio: ['ignore', 'ignore', 'pipe'] }));
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said += text;
      const ready = said.match(/ready on (http:\/\/127\.0\.0\.1:\d+)/);
      if (ready) resolve(ready[1]);
    });
    child.on('exit', () => reject(new Error(`the broker ended; it said:\n${said}`)));
  });
}

// Runs in the page: for so long.
function watch(ms) {
  return new Promise((resolve) => {
    const long = [];
    const observer = new PerformanceObserver((list) => long.push(...list.getEntries().map((entry) => entry.duration)));
    observer.observe({ type: 'longtask' });
    const frames = [];
    const figure = (id) => parseFloat(document.getElementById(id).textContent.replaceAll(',', ''));
    const frame = (now) => {
      frames.push(now);
      if (now - frames[0] < ms) return requestAnimationFrame(frame);
      observer.disconnect();
      const gaps = frames.slice(1).map((at, index) => at - frames[index]);
      return resolve({ gaps, long, published: figure('market-published'), received: figure('market-received'), pace: document.getElementById('pace-text').textContent });
    };
    requestAnimationFrame(frame);
  });
}

// Seconds of CPU that the page's thread has used.
async function taskSeconds(session) {
  const { metrics } = await session.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'TaskDuration').value;
}

const version = await new Promise((resolve) => execFile(options.chromium, ['--version'], (_, text) => resolve(text?.trim() ?? '')));
console.log(`${os.cpus()[0].model}, ${os.cpus().length} of them; ${version}; load average ${os.loadavg()[0].toFixed(1)} before`);
const url = await startBroker();
keep(spawn(`${options.build}/ringcast`, ['demo', '--url', url, '--symbols', `${options.symbols}`, '--rate', `${options.rate}`, '--progress', 'never'], { stdio: 'ignore' }));
const browser = await chromium.launch({ executablePath: options.chromium, args: ['--headless', '--no-sandbox', '--disable-gpu'] });
const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
await page.goto(url);
await page.waitForSelector('#market tbody tr[aria-selected=true]');
const session = await page.context().newCDPSession(page);
await session.send('Performance.enable', { timeDomain: 'threadTicks' }); // CPU time: not what others take of it
for (const step of kPaces) {
  await page.locator('#pace').evaluate((input, value) => {
    input.value = value;
    input.dispatchEvent(new Event('input', { bubbles: true }));
  }, step);
  await sleep(kSettleMs);
  const began = [performance.now(), await taskSeconds(session)];
  const { gaps, long, published, received, pace } = await page.evaluate(watch, options.seconds * 1000);
  const cpu = (await taskSeconds(session) - began[1]) / ((performance.now() - began[0]) / 1000);
  const dropped = gaps.reduce((sum, gap) => sum + Math.max(0, Math.round(gap / kFrameMs) - 1), 0);
  console.log(`${pace}: ${published}/s published, ${received}/s received; ${gaps.length} frames, ${dropped} left out; gaps ${tail(gaps, ' ms')}; `
    + `${long.length} long tasks${long.length ? ` (${tail(long, ' ms')})` : ''}; the page's thread was busy for ${Math.round(cpu * 100)} %`);
}
console.log(`load average ${os.loadavg()[0].toFixed(1)} after`);
await browser.close();
process.exit(0);
