// MarketTable: the symbols in rows. Only those that can be seen are elements; a row is written when its symbol changed.

import { onTheme } from '../theme.js';
import { at, change, compact, make, price, seconds, write } from '../text.js';
import { WindowRows, stepOf } from '../window_rows.js';
import { drawSparkline } from './sparkline.js';

const ROW_HEIGHT = 30;
const HEAD_HEIGHT = 30;
const SORT_EVERY_MS = 2000; // rows that jump about all the time cannot be read
const FLASH_MS = 350;
const FLASH_EVERY_MS = 700; // a symbol that trades a hundred times a second would only flicker
const STALE_MS = 10_000;
const SPARK = { width: 108, height: 22 };
const CALM = matchMedia('(prefers-reduced-motion: reduce)');

const KEYS = {
  symbol: (market, row) => market.names[row].symbol,
  price: (market, row) => -market.columns.price[row],
  change: (market, row) => 1 - market.columns.price[row] / market.columns.open[row],
  volume: (market, row) => -market.columns.volume[row],
  age: (market, row) => -market.columns.at[row],
};

export class MarketTable {
  constructor(market, onChoose) {
    this.market = market;
    this.onChoose = onChoose;
    this.order = []; // symbols in the order of their rows
    this.chosen = -1;
    this.sort = 'volume';
    this.text = '';
    this.sortAt = 0;
    this.table = at('market');
    this.window = new WindowRows({
      scroller: at('market-rows'), body: this.table.tBodies[0], rowHeight: ROW_HEIGHT, header: HEAD_HEIGHT,
      make: () => this.makeRow(), spacer: () => this.makeSpacer(),
    });
    this.connect();
  }

  connect() {
    at('market-find').addEventListener('input', ({ target }) => {
      this.text = target.value.trim().toUpperCase();
      this.sortAt = 0;
    });
    for (const head of this.table.querySelectorAll('th[data-key]')) {
      head.querySelector('button').addEventListener('click', () => this.sortBy(head.dataset.key));
    }
    this.table.addEventListener('keydown', (event) => {
      const index = stepOf(event.key, this.order.indexOf(this.chosen), this.order.length, this.window.page);
      if (index === undefined) return;
      event.preventDefault();
      this.choose(this.order[index]);
      this.window.reveal(index);
    });
    this.table.tBodies[0].addEventListener('click', ({ target }) => {
      const symbol = Number(target.closest('tr')?.dataset.symbol ?? -1);
      if (symbol >= 0) this.choose(symbol);
    });
    onTheme(() => this.window.rows.forEach((row) => (row.drawn = -1)));
    this.sortBy('volume');
  }

  sortBy(key) {
    this.sort = key;
    this.sortAt = 0;
    for (const head of this.table.querySelectorAll('th[data-key]')) {
      if (head.dataset.key === key) head.setAttribute('aria-sort', key === 'symbol' || key === 'age' ? 'ascending' : 'descending');
      else head.removeAttribute('aria-sort');
    }
  }

  choose(symbol) {
    this.chosen = symbol;
    this.onChoose(symbol);
  }

  // The symbols that can be seen.
  get seen() {
    const { first, rows } = this.window;
    return Uint32Array.from(this.order.slice(first, first + rows.length));
  }

  // Once a frame; isDue: what is shown is to be brought up to date. Rows that scrolling brings are written at once.
  draw(now, isDue) {
    if (this.market.size === 0) return;
    if (now >= this.sortAt) this.arrange(now);
    const [first, rows] = this.window.place(this.order.length);
    const wall = Date.now();
    rows.forEach((row, index) => {
      const symbol = this.order[first + index];
      if (isDue || row.symbol !== symbol) this.writeRow(row, symbol, first + index, now, wall);
    });
    if (!isDue) return;
    const active = rows.find((row) => row.symbol === this.chosen);
    if (active) this.table.setAttribute('aria-activedescendant', active.element.id);
    else this.table.removeAttribute('aria-activedescendant');
  }

  arrange(now) {
    this.sortAt = now + SORT_EVERY_MS;
    const { market, text } = this;
    const order = [];
    for (let row = 0; row < market.size; row += 1) {
      const { symbol, exchange } = market.names[row];
      if (!text || symbol.includes(text) || exchange.toUpperCase().includes(text)) order.push(row);
    }
    const key = KEYS[this.sort];
    const keys = new Map(order.map((row) => [row, key(market, row)]));
    order.sort((a, b) => (keys.get(a) < keys.get(b) ? -1 : keys.get(a) > keys.get(b) ? 1 : a - b));
    this.order = order;
    if (this.chosen < 0 && order.length > 0) this.choose(order[0]);
    this.table.setAttribute('aria-rowcount', `${order.length + 1}`);
    at('market-empty').hidden = true;
    write(at('market-count'), text ? `${order.length} of ${market.size} symbols` : `${market.size} symbols`);
  }

  makeRow() {
    const element = make('tr');
    element.id = `market-row-${this.window.rows.length}`;
    const symbol = make('td', 'symbol');
    const [name, exchange] = [make('b'), make('small', 'muted')];
    symbol.append(name, exchange);
    const cells = ['number price', 'number', '', 'number', 'number muted'].map((style) => make('td', style));
    const [priceCell, changeCell, spark, volume, age] = cells;
    const canvas = make('canvas', 'spark');
    spark.append(canvas);
    element.append(symbol, ...cells);
    return { element, name, exchange, priceCell, changeCell, canvas, volume, age, symbol: -1, at: 0, price: 0, drawn: -1, flashAt: 0, flash: '', flashed: '' };
  }

  makeSpacer() {
    const row = make('tr', 'spacer');
    row.setAttribute('aria-hidden', 'true');
    return row;
  }

  writeRow(row, symbol, index, now, wall) {
    const { columns, names } = this.market;
    const isOther = row.symbol !== symbol;
    if (isOther) {
      row.symbol = symbol;
      row.drawn = -1;
      row.flash = '';
      row.element.dataset.symbol = symbol;
      write(row.name, names[symbol].symbol);
      write(row.exchange, names[symbol].exchange);
    }
    if (row.index !== index) row.element.setAttribute('aria-rowindex', `${(row.index = index) + 2}`);
    const isChosen = `${symbol === this.chosen}`;
    if (row.element.ariaSelected !== isChosen) row.element.ariaSelected = isChosen;
    this.writeAge(row, wall - columns.at[symbol], isOther);
    if (isOther || row.at !== columns.at[symbol] || row.price !== columns.price[symbol]) this.writeFigures(row, symbol, isOther, now);
    this.writeFlash(row, now);
    if (row.drawn === this.market.sparkVersion) return;
    const spark = this.market.sparks.get(symbol);
    if (!spark) return;
    row.drawn = this.market.sparkVersion;
    drawSparkline(row.canvas, spark, SPARK.width, SPARK.height, columns.price[symbol] >= columns.open[symbol] ? '--up' : '--down');
  }

  writeAge(row, age, isOther) {
    const text = seconds(age);
    if (row.ageText !== text) write(row.age, (row.ageText = text));
    const isStale = age > STALE_MS;
    if (isOther || row.isStale !== isStale) row.element.classList.toggle('stale', (row.isStale = isStale));
  }

  writeFigures(row, symbol, isOther, now) {
    const { columns } = this.market;
    const value = columns.price[symbol];
    const moved = isOther ? 0 : value - row.price;
    Object.assign(row, { at: columns.at[symbol], price: value });
    const share = value / columns.open[symbol] - 1;
    write(row.priceCell, price(value));
    write(row.changeCell, change(share));
    row.changeCell.className = `number ${share >= 0 ? 'up' : 'down'}`;
    write(row.volume, compact(columns.volume[symbol]));
    if (moved === 0 || CALM.matches || now < row.flashAt + FLASH_EVERY_MS) return;
    row.flashAt = now;
    row.flash = moved > 0 ? 'rise' : 'fall';
  }

  // On and off: a colour that fades is painted anew in every frame.
  writeFlash(row, now) {
    const flash = row.flash && now < row.flashAt + FLASH_MS ? row.flash : '';
    if (flash !== row.flashed) row.priceCell.className = `number price ${(row.flashed = flash)}`;
  }
}
