// Market: the page's side of the market's worker: asks for what is to be shown, once a frame at most, and keeps it.

import { Health } from '../link.js';
import { SPARK_STEP } from './book.js';

const NO_SYMBOLS = new Uint32Array(0);

export class Market {
  constructor() {
    this.names = [];
    this.size = 0;
    this.columns = undefined;
    this.sparks = new Map(); // symbol -> Float32Array
    this.figures = undefined;
    this.history = undefined;
    this.version = 0; // of what is kept: rises with each answer
    this.sparkVersion = 0; // rises when the sparklines move on
    this.health = new Health();
    this.asked = false;
    this.chartAt = -1;
    this.worker = new Worker(new URL('./market_worker.js', import.meta.url), { type: 'module' });
    this.worker.addEventListener('message', ({ data }) => this.heard(data));
  }

  heard(data) {
    if (data.type === 'state') this.health.take(data.detail);
    else if (data.type === 'told') this.tell(data);
    else this.take(data);
  }

  tell({ kind, merged, skipped, caughtUp }) {
    const words = {
      gap: 'gap: something may be missing', recovered: 'recovered: nothing is missing', conflated: 'back: newest values',
      lag: caughtUp ? `caught up; ${merged} merged, ${skipped} skipped` : 'behind: newest values only',
    };
    this.health.notify(words[kind]);
  }

  take({ names, size, columns, symbols, sparks, history, chosen, figures }) {
    this.asked = false;
    for (const name of names) {
      const [exchange, ...symbol] = name.split('/');
      this.names.push({ exchange, symbol: symbol.join('/') });
    }
    const points = symbols.length ? sparks.length / symbols.length : 0;
    this.sparks.clear();
    symbols.forEach((symbol, at) => this.sparks.set(symbol, sparks.subarray(at * points, (at + 1) * points)));
    if (history) this.history = { ...history, chosen };
    Object.assign(this, { size, columns, figures });
    this.sparkVersion = Math.floor(figures.sampled / SPARK_STEP);
    this.version += 1;
  }

  // {delivery, maxRateHz}.
  setPace(pace) {
    this.worker.postMessage({ type: 'pace', pace });
  }

  // These symbols are seen, and this one's chart. Asks unless an answer is on its way.
  want(symbols, chosen) {
    if (this.asked) return;
    this.asked = true;
    const chart = chosen !== this.history?.chosen || this.chartAt !== this.sparkVersion;
    if (chart) this.chartAt = this.sparkVersion;
    this.worker.postMessage({ type: 'want', symbols: symbols ?? NO_SYMBOLS, chosen, chart });
  }
}
