// Debian's Chromium, as the tests drive it: no name leads anywhere but to this machine, and pages remember what went wrong.

import { existsSync } from 'node:fs';
import { require } from './program.mjs';

const { chromium } = require('playwright-core');

const kChromium = process.env.CHROMIUM ?? '/usr/bin/chromium';
// What to skip with where there is none.
export const kMissing = existsSync(kChromium) ? false : `there is no ${kChromium}`;

// A stranger's host that leads here, as DNS rebinding makes it; no other name leads anywhere.
export const kStranger = 'evil.example';
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

const kPatienceMs = 60_000;

export const launch = () => chromium.launch({ executablePath: kChromium, args: kFlags, timeout: kPatienceMs });

// A page that remembers what went wrong and where it went.
export async function watchedPage(browser, options) {
  const page = await (await browser.newContext(options)).newPage();
  page.setDefaultTimeout(kPatienceMs);
  const seen = { wrong: [], hosts: new Set() };
  page.on('console', (message) => {
    if (message.type() === 'error') seen.wrong.push(message.text()); // Chromium's warnings are advice, also on what a test does
  });
  page.on('pageerror', (error) => seen.wrong.push(error.message));
  page.on('requestfailed', (failed) => seen.wrong.push(`${failed.url()}: ${failed.failure().errorText}`));
  page.on('request', (sent) => seen.hosts.add(new URL(sent.url()).host));
  page.on('websocket', (socket) => seen.hosts.add(new URL(socket.url()).host));
  return { page, seen };
}
