// The broker's address: what a program may give as URL, and the WebSocket URL that it means.

import { RingcastError } from './error.js';

// Where this file was served from, if it was; else the page.
function ownOrigin() {
  if (/^https?:/.test(import.meta.url)) return new URL('.', import.meta.url).href;
  if (globalThis.location) return new URL('/', globalThis.location.href).href;
  throw new RingcastError('usage', 'connect() needs the URL of a broker here');
}

// `ws://host:8080`, `https://host/base/` and `/base` become `ws(s)://host…/ws`. No URL: the broker that served this file.
export function socketUrl(given) {
  let url;
  try {
    url = new URL(given ?? ownOrigin(), globalThis.location?.href);
  } catch (error) {
    throw error instanceof RingcastError ? error : new RingcastError('usage', `${given} is no URL`);
  }
  url.protocol = { 'http:': 'ws:', 'https:': 'wss:' }[url.protocol] ?? url.protocol;
  if (!/^wss?:$/.test(url.protocol)) throw new RingcastError('usage', `${given} is no URL of a broker`);
  if (!url.pathname.endsWith('/ws')) url.pathname = `${url.pathname.replace(/\/$/, '')}/ws`;
  url.hash = '';
  return url.href;
}
