// Link: the page's connection to the broker, and what is honestly said of it in the header.

import { connect } from './ringcast.js'; // as the broker serves it, beside the bundle
import { at, seconds, write } from './text.js';

const NOTICE_MS = 20_000;

// How a client is doing: {state, retryAt, server, epoch}, and the last thing that a reader has to know of.
export class Health extends EventTarget {
  constructor() {
    super();
    this.state = 'connecting';
    this.retryAt = 0;
    this.downSince = 0;
  }

  // A client's `state` event, or the same from a worker.
  take({ state, retryInMs, server, epochChanged, text, error }) {
    const now = Date.now();
    if (state === 'connected') this.downSince = 0;
    else this.downSince ||= now;
    this.state = state;
    this.retryAt = retryInMs === undefined ? 0 : now + retryInMs;
    this.text = text ?? (error ? error.message : '');
    if (server) this.server = server;
    if (epochChanged) this.notify('The broker was started anew: what it held before is gone.');
    this.dispatchEvent(new Event('change'));
  }

  notify(text) {
    this.notice = { text, at: Date.now() };
  }

  // "reconnecting in 0.8 s".
  words(now = Date.now()) {
    if (this.state === 'connected') return 'live';
    if (this.state === 'waiting') return `reconnecting in ${seconds(this.retryAt - now)}`;
    if (this.state === 'connecting') return this.downSince && this.server ? `reconnecting, away for ${seconds(now - this.downSince)}` : 'connecting';
    if (this.state === 'draining') return 'live; the broker is about to restart';
    return `closed: ${this.text}`;
  }
}

export const health = new Health();
// The operators' port serves this page, too, but no topics: there it is the Broker view alone, and there is no client.
export const isOperators = location.pathname.endsWith('/dashboard/');
export const rc = isOperators ? undefined : connect({ name: 'dashboard' });
rc?.addEventListener('state', ({ detail }) => health.take(detail));
rc?.addEventListener('gap', ({ subscription }) => health.notify(`Gap: some of ${subscription.filter} may be missing.`));

const SHORT = { connected: 'live', waiting: 'no connection', connecting: 'connecting', draining: 'draining', closed: 'closed' };

// Called once a frame: the header's words.
export function showLink() {
  const now = Date.now();
  const element = at('link');
  if (element.dataset.state !== health.state) {
    element.dataset.state = health.state;
    write(at('link-state'), SHORT[health.state]); // announced once; the seconds beside it are not
  }
  write(at('link-detail'), health.state === 'connected' ? (health.server ?? '') : health.words(now));
  const notice = health.notice && now - health.notice.at < NOTICE_MS ? health.notice : undefined;
  const box = at('notice');
  if (notice && box.dataset.at !== `${notice.at}`) {
    box.dataset.at = `${notice.at}`;
    box.textContent = notice.text;
  }
  if (box.hidden !== !notice) box.hidden = !notice;
}
