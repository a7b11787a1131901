// Chosen: the chart of one symbol and what else is known of it.

import { at, change, compact, count, facts, price, seconds, write } from '../text.js';
import { TimeChart } from '../time_chart.js';

export class Chosen {
  constructor(market) {
    this.market = market;
    this.chart = new TimeChart(at('chosen-chart'), {
      lines: [{ label: 'price', color: '--accent', fill: true }], format: price, height: 260, size: 64, padding: true,
    });
  }

  draw(symbol) {
    const { market } = this;
    if (symbol < 0 || symbol >= market.size) return;
    at('chosen').hidden = false;
    const { columns, names } = market;
    const value = columns.price[symbol];
    const moved = value - columns.open[symbol];
    write(at('chosen-name'), `${names[symbol].symbol} · ${names[symbol].exchange}`);
    const [now, since] = at('chosen-price').children;
    write(now, price(value));
    write(since, `${moved >= 0 ? '+' : '−'}${price(Math.abs(moved))}  ${change(value / columns.open[symbol] - 1)}`);
    since.className = moved >= 0 ? 'up' : 'down';
    facts(at('chosen-facts'), [
      ['Bid', price(columns.bid[symbol])], ['Ask', price(columns.ask[symbol])], ['Open', price(columns.open[symbol])],
      ['High', price(columns.high[symbol])], ['Low', price(columns.low[symbol])], ['Volume', compact(columns.volume[symbol])],
      ['Updates here', count(columns.updates[symbol])], ['Last update', `${seconds(Date.now() - columns.at[symbol])} ago`],
    ]);
    const { history } = market;
    if (!history || history.chosen !== symbol || this.shown === history) return;
    this.shown = history;
    this.chart.set([history.times, Array.from(history.prices, (point) => (Number.isNaN(point) ? null : point))]);
  }
}
