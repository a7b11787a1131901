// The market's worker: takes every message off the page's thread, so that a frame never waits for one.
//
// From the page: {type: 'pace', pace} (what subscribe() takes), {type: 'want', symbols, chosen, chart}, one at a time, which
// is answered by one {type: 'view'}: so a slow page asks less often, and nothing queues up.

import { connect } from './ringcast.js'; // as the broker serves it, beside the bundle
import { Book, SAMPLE_MS } from './book.js';
import { Rate, WINDOW_MS } from './rate.js';

const AGES_MAX = 512;
const FILTER = 'ticker/#';

const book = new Book();
const received = new Rate();
const published = new Rate();
// Ticks in Protocol Buffers are below the size from which messages are compressed: a tenth of the work for each.
const rc = connect({ name: 'dashboard, markets', protocol: 'proto' });
let subscription;
let lastAt = 0;
let told = 0; // names that the page has
let ages = [];
let age = NaN;

function take(message) {
  const now = Date.now();
  if (!book.take(message, now)) return;
  if (message.mark === 'snapshot') return;
  lastAt = now;
  if (ages.length < AGES_MAX) ages.push(now - message.timeUs / 1000);
}

rc.addEventListener('state', ({ detail: { error, ...detail } }) => {
  if (detail.epochChanged) book.forgetSequence();
  postMessage({ type: 'state', detail: { ...detail, error: error && { message: error.message } } });
});
for (const type of ['gap', 'recovered', 'conflated', 'lag']) {
  rc.addEventListener(type, ({ detail }) => postMessage({ type: 'told', kind: type, merged: detail.merged, skipped: detail.skipped, caughtUp: detail.caughtUp }));
}

setInterval(() => {
  const now = Date.now();
  book.sample(now, rc.state === 'connected' || rc.state === 'draining');
  received.note(now, book.received);
  published.note(now, book.published);
  ages.sort((a, b) => a - b);
  age = ages.length ? ages[ages.length >> 1] : NaN;
  ages = [];
}, SAMPLE_MS);

function setPace(pace) {
  // What arrives every five seconds is no rate over two.
  for (const rate of [received, published]) rate.windowMs = Math.max(WINDOW_MS, pace.maxRateHz > 0 ? 3000 / pace.maxRateHz : 0);
  if (!subscription) subscription = rc.subscribe(FILTER, { ...pace, start: 'last', hiddenRateHz: 0 }, take);
  else subscription.change(pace).catch(() => {}); // the connection was lost: it is asked for again with the subscription
}

function answer({ symbols, chosen, chart }) {
  const { columns, view } = { columns: book.columns(), view: { type: 'view', names: book.names.slice(told), size: book.size } };
  told = book.size;
  const sparks = book.sparks(symbols.filter((symbol) => symbol < book.size));
  const history = chart && chosen >= 0 && chosen < book.size ? book.history(chosen) : undefined;
  const figures = { received: received.perSecond, published: published.perSecond, age, lastAt, total: book.received, sampled: book.sampled };
  const buffers = [...Object.values(columns).map((column) => column.buffer), sparks.buffer];
  if (history) buffers.push(history.times.buffer, history.prices.buffer);
  postMessage({ ...view, columns, symbols, sparks, history, chosen, figures }, buffers);
}

addEventListener('message', ({ data }) => {
  if (data.type === 'pace') setPace(data.pace);
  else if (data.type === 'want') answer(data);
});
