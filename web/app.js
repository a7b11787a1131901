// The page at `/`: live telemetry and a simulated market, each over one plain WebSocket with a wildcard.
//
// Raw mode carries no topic, so each payload names its own host or symbol. Messages only change what is remembered;
// the document is written at most once per animation frame, and not at all while nobody looks.

import { Feed, totals } from './feed.js';
import { Machines, bytesText } from './machine.js';
import { Market } from './market.js';
import { connectTry } from './try.js';

const FIGURES_EVERY_MS = 500;

const market = new Market();
const machines = new Machines();
const whole = new Intl.NumberFormat('en');
let ages = []; // milliseconds, of the ticks since the figures were shown last

const feeds = [];
feeds.push(
  new Feed('ticker/#', {
    query: 'last=1',
    onState: showState,
    onMessage: (data) => {
      const tick = market.take(data);
      if (tick && ages.length < 1000) ages.push(Date.now() - tick.time_ms);
    },
  }),
  new Feed('iot/#', { query: 'last=1', onState: showState, onMessage: (data) => machines.take(data) }),
);

// The worse of the two.
function showState(_, seconds) {
  const order = ['waiting', 'connecting', 'live'];
  const states = feeds.map((feed) => feed.state);
  const state = order.find((name) => states.includes(name)) ?? 'connecting';
  const element = document.querySelector('#state');
  element.dataset.state = state;
  element.textContent = state === 'waiting' && seconds > 0 ? `no connection, again in ${seconds} s` : state;
}

let shown = { at: performance.now(), messages: 0, bytes: 0 };
function showFigures(now) {
  const passed = (now - shown.at) / 1000;
  if (passed * 1000 < FIGURES_EVERY_MS) return;
  set('#rate', whole.format(Math.round((totals.messages - shown.messages) / passed)));
  set('#total', whole.format(totals.messages));
  set('#bytes', bytesText((totals.bytes - shown.bytes) / passed));
  ages.sort((a, b) => a - b);
  set('#age', ages.length ? `${Math.max(0, ages[ages.length >> 1])} ms` : '–');
  ages = [];
  shown = { at: now, messages: totals.messages, bytes: totals.bytes };
}

function set(selector, text) {
  const element = document.querySelector(selector);
  if (element.textContent !== text) element.textContent = text;
}

function frame(now) {
  market.render(now);
  machines.render();
  showFigures(now);
  requestAnimationFrame(frame);
}

connectTry();
requestAnimationFrame(frame);
