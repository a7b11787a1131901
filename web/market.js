// Market: the table of shares. Messages only mark a share as changed; the table is written once per animation frame.

import { Series, color, drawLines } from './chart.js';

const ROWS_AT_FIRST = 25;
const SORT_EVERY_MS = 2000; // rows that jump about all the time cannot be read
const WRITE_EVERY_MS = 100; // a row; nobody reads faster, and a slow machine has better things to do
const DRAW_EVERY_MS = 400; // its line of last trades
const FLASH_EVERY_MS = 400; // a share that trades a hundred times a second would only flicker
const SPARK_POINTS = 60;
const CALM = matchMedia('(prefers-reduced-motion: reduce)');

const whole = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const money = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

const KEYS = {
  symbol: (share) => share.tick.symbol,
  price: (share) => -share.tick.price,
  change: (share) => -share.change,
  volume: (share) => -share.tick.volume,
  trades: (share) => -share.trades,
};

export class Market {
  constructor() {
    this.shares = new Map(); // "nasdaq/AAPL" to what is known of it
    this.changed = new Set(); // shares whose cells are behind
    this.undrawn = new Set(); // shares whose lines are behind
    this.rows = new Map(); // the shares that are in the table now
    this.exchange = '';
    this.text = '';
    this.sort = 'volume';
    this.all = false;
    this.sortAt = 0;
    this.body = document.querySelector('#market tbody');
    this.more = document.querySelector('#more');
    this.connectTools();
  }

  // One message: JSON of the form that `ringcast demo` publishes.
  take(text) {
    let tick;
    try {
      tick = JSON.parse(text);
    } catch {
      return undefined;
    }
    if (typeof tick?.symbol !== 'string' || typeof tick.price !== 'number') return undefined;
    const key = `${tick.exchange}/${tick.symbol}`;
    let share = this.shares.get(key);
    if (!share) {
      share = { key, tick, change: 0, trades: 0, direction: 0, spark: new Series(SPARK_POINTS), writeAt: 0, drawAt: 0, flashAt: 0 };
      this.shares.set(key, share);
      this.sortAt = 0;
    }
    share.direction = Math.sign(tick.price - share.tick.price) || share.direction;
    share.tick = tick;
    share.change = tick.open > 0 ? tick.price / tick.open - 1 : 0;
    share.trades += 1;
    share.spark.push(tick.price);
    this.mark(share);
    return tick;
  }

  // Called once per animation frame.
  render(now) {
    if (now >= this.sortAt) {
      this.sortAt = now + SORT_EVERY_MS;
      this.arrange();
    }
    this.refresh(this.changed, 'writeAt', now + WRITE_EVERY_MS, now, (share, row) => this.write(share, row, now));
    this.refresh(this.undrawn, 'drawAt', now + DRAW_EVERY_MS, now, (share, row) =>
      drawLines(row.spark, [{ series: share.spark, color: share.change >= 0 ? '--up' : '--down' }]));
  }

  // Shows those of `shares` whose turn it is, and takes them off; those that have no row are marked again when they get one.
  refresh(shares, turn, next, now, show) {
    for (const share of shares) {
      const row = this.rows.get(share);
      if (row && now < share[turn]) continue;
      shares.delete(share);
      if (!row) continue;
      share[turn] = next;
      show(share, row);
    }
  }

  mark(share) {
    this.changed.add(share);
    this.undrawn.add(share);
  }

  connectTools() {
    document.querySelector('#search').addEventListener('input', (event) => {
      this.text = event.target.value.trim().toUpperCase();
      this.arrange();
    });
    this.more.addEventListener('click', () => {
      this.all = !this.all;
      this.arrange();
    });
    for (const button of document.querySelectorAll('#market [data-sort]')) {
      button.addEventListener('click', () => {
        this.sort = button.dataset.sort;
        this.arrange();
      });
    }
  }

  // Chooses the rows and puts them in order.
  arrange() {
    this.showExchanges();
    const wanted = [...this.shares.values()].filter((share) =>
      (!this.exchange || share.tick.exchange === this.exchange) && share.tick.symbol.includes(this.text));
    const key = KEYS[this.sort];
    wanted.sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      return x < y ? -1 : x > y ? 1 : a.key < b.key ? -1 : 1;
    });
    const shown = this.all ? wanted : wanted.slice(0, ROWS_AT_FIRST);
    const rows = new Map(shown.map((share) => [share, this.rows.get(share) ?? makeRow(share)]));
    for (const [share, row] of this.rows) if (!rows.has(share)) row.line.remove();
    let after = null;
    for (const [share, row] of rows) { // moves only what is out of place
      const at = after ? after.nextSibling : this.body.firstChild;
      if (at !== row.line) this.body.insertBefore(row.line, at);
      after = row.line;
      if (!this.rows.has(share)) this.mark(share);
    }
    this.rows = rows;
    this.more.hidden = wanted.length <= ROWS_AT_FIRST;
    this.more.textContent = this.all ? 'Show fewer' : `Show all ${wanted.length}`;
    document.querySelector('#market-empty').hidden = wanted.length > 0;
    document.querySelector('#market-count').textContent = this.shares.size ? `${this.shares.size} topics` : '';
    for (const button of document.querySelectorAll('#market [data-sort]')) {
      button.closest('th').ariaSort = button.dataset.sort === this.sort ? 'descending' : 'none';
    }
  }

  showExchanges() {
    const names = ['', ...new Set([...this.shares.values()].map((share) => share.tick.exchange))].sort();
    const box = document.querySelector('#exchanges');
    if (box.childElementCount !== names.length) {
      box.replaceChildren(...names.map((name) => {
        const button = document.createElement('button');
        button.type = 'button';
        button.dataset.exchange = name;
        button.textContent = name ? name.toUpperCase() : 'All';
        button.addEventListener('click', () => {
          this.exchange = name;
          this.arrange();
        });
        return button;
      }));
    }
    for (const button of box.children) button.ariaPressed = String(button.dataset.exchange === this.exchange);
  }

  write(share, row, now) {
    const { tick } = share;
    set(row.price, money.format(tick.price));
    set(row.change, `${share.change >= 0 ? '+' : '−'}${money.format(Math.abs(share.change) * 100)} %`);
    row.change.className = `number ${share.change >= 0 ? 'up' : 'down'}`;
    set(row.quote, `${money.format(tick.bid)} / ${money.format(tick.ask)}`);
    set(row.volume, whole.format(tick.volume));
    set(row.trades, whole.format(share.trades));
    if (CALM.matches || now - share.flashAt < FLASH_EVERY_MS || share.direction === 0) return;
    share.flashAt = now;
    row.price.animate(
      [{ backgroundColor: color(share.direction > 0 ? '--flash-up' : '--flash-down') }, { backgroundColor: 'transparent' }],
      { duration: 700, easing: 'ease-out' });
  }
}

function set(cell, text) {
  if (cell.textContent !== text) cell.textContent = text;
}

function makeRow(share) {
  const line = document.createElement('tr');
  const cell = (name, content = '') => {
    const td = document.createElement('td');
    td.className = name;
    td.append(content);
    line.append(td);
    return td;
  };
  const symbol = cell('symbol');
  const code = document.createElement('b');
  code.textContent = share.tick.symbol;
  const place = document.createElement('small');
  place.textContent = `${share.tick.exchange.toUpperCase()} · ${share.tick.currency}`;
  symbol.append(code, place);
  const row = { line, price: cell('number price'), change: cell('number') };
  row.spark = document.createElement('canvas');
  cell('chart', row.spark);
  row.quote = cell('number wide muted');
  row.volume = cell('number');
  row.trades = cell('number wide muted');
  return row;
}
