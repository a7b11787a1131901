// Book: what is known of each symbol, in columns of numbers; and their prices of the last minutes, sampled by a clock.
//
// A message costs one JSON value and some stores. What is drawn over time comes from the samples, so that it costs the
// same at any rate. Used by the worker; has no page and no network.

import { valueOf } from '../value.js';

export const SAMPLE_MS = 250;
export const SAMPLES = 1200; // five minutes
export const SPARK_POINTS = 60;
export const SPARK_STEP = 2; // samples: 30 s in all
export const COLUMNS = ['price', 'open', 'high', 'low', 'bid', 'ask', 'volume', 'updates', 'at'];

export class Book {
  constructor() {
    this.names = []; // "nasdaq/AAPL"
    this.index = new Map();
    this.size = 0;
    this.room = 0;
    this.seq = new Float64Array(0);
    for (const name of COLUMNS) this[name] = new Float64Array(0);
    this.samples = new Float32Array(0); // SAMPLES rows of `room` prices, NaN: unknown
    this.times = new Float64Array(SAMPLES);
    this.sampled = 0; // rows that were ever written
    this.received = 0;
    this.published = 0; // by sequence numbers
  }

  // One message of the form that `ringcast demo` publishes; false: it is of another.
  take(message, now) {
    const tick = valueOf(message);
    if (typeof tick !== 'object' || tick === null || typeof tick.price !== 'number' || typeof tick.symbol !== 'string') return false;
    let row = this.index.get(message.topic);
    if (row === undefined) row = this.add(message.topic, `${tick.exchange ?? ''}/${tick.symbol}`);
    const before = this.seq[row];
    this.seq[row] = message.seq;
    this.price[row] = tick.price;
    this.open[row] = tick.open ?? tick.price;
    this.high[row] = tick.high ?? tick.price;
    this.low[row] = tick.low ?? tick.price;
    this.bid[row] = tick.bid ?? NaN;
    this.ask[row] = tick.ask ?? NaN;
    this.volume[row] = tick.volume ?? 0;
    if (message.mark === 'snapshot') {
      // How old a value is that was there before is the broker's to say.
      this.at[row] = Math.min(now, message.timeUs / 1000);
      return true;
    }
    this.at[row] = now;
    this.updates[row] += 1;
    this.received += 1;
    // Sequence numbers rise by 1: what is between two of them was merged. Lower ones are of another start of the broker.
    this.published += before > 0 && message.seq > before ? message.seq - before : 1;
    return true;
  }

  // Sequence numbers begin anew.
  forgetSequence() {
    this.seq.fill(0);
  }

  add(topic, name) {
    if (this.size === this.room) this.grow();
    const row = this.size;
    this.size += 1;
    this.index.set(topic, row);
    this.names.push(name);
    return row;
  }

  grow() {
    const room = Math.max(64, 2 * this.room);
    for (const name of ['seq', ...COLUMNS]) {
      const column = new Float64Array(room);
      column.set(this[name]);
      this[name] = column;
    }
    const samples = new Float32Array(SAMPLES * room).fill(NaN);
    for (let row = 0; row < Math.min(this.sampled, SAMPLES); row += 1) {
      samples.set(this.samples.subarray(row * this.room, row * this.room + this.size), row * room);
    }
    this.samples = samples;
    this.room = room;
  }

  // Keeps the prices of this moment; `isLive` false: nobody knows them.
  sample(now, isLive) {
    const row = this.sampled % SAMPLES;
    this.times[row] = now / 1000;
    const into = this.samples.subarray(row * this.room, (row + 1) * this.room);
    if (isLive) for (let symbol = 0; symbol < this.size; symbol += 1) into[symbol] = this.price[symbol];
    else into.fill(NaN);
    this.sampled += 1;
  }

  // The last prices of each of these symbols, SPARK_POINTS each, one after another; NaN: none.
  sparks(symbols) {
    const points = new Float32Array(symbols.length * SPARK_POINTS).fill(NaN);
    const kept = Math.min(this.sampled, SAMPLES);
    const last = this.sampled - 1;
    const aligned = last - (last % SPARK_STEP); // the same samples next time, or the line would tremble
    for (let point = 0; point < SPARK_POINTS; point += 1) {
      const sample = aligned - (SPARK_POINTS - 1 - point) * SPARK_STEP;
      if (sample < this.sampled - kept || sample < 0) continue;
      const row = (sample % SAMPLES) * this.room;
      for (let at = 0; at < symbols.length; at += 1) points[at * SPARK_POINTS + point] = this.samples[row + symbols[at]];
    }
    return points;
  }

  // {times, prices} of one symbol, the oldest first, from its first price on.
  history(symbol) {
    const kept = Math.min(this.sampled, SAMPLES);
    const times = new Float64Array(kept);
    const prices = new Float32Array(kept);
    let size = 0;
    for (let at = this.sampled - kept; at < this.sampled; at += 1) {
      const row = at % SAMPLES;
      const value = this.samples[row * this.room + symbol];
      if (size === 0 && !(value > 0)) continue;
      times[size] = this.times[row];
      prices[size] = value;
      size += 1;
    }
    return { times: times.slice(0, size), prices: prices.slice(0, size) };
  }

  // Copies of the columns as far as there are symbols.
  columns() {
    return Object.fromEntries(COLUMNS.map((name) => [name, this[name].slice(0, this.size)]));
  }
}
