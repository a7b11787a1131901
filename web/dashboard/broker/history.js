// History: the figures of the last minutes, one of each second, as charts take them. Has no page.

import { Series } from '../series.js';

const SECONDS = 600;

// name of a chart -> its lines: [label, stats -> number].
export const LINES = {
  messages: [['published', (s) => s.total.rates.published_per_s], ['delivered', (s) => s.total.rates.delivered_per_s], ['merged', (s) => s.total.rates.merged_per_s]],
  traffic: [['in', (s) => s.total.rates.received_bytes_per_s], ['out', (s) => s.total.rates.sent_bytes_per_s]],
  latency: [['half', (s) => s.total.latency.messages ? s.total.latency.p50_us : null], ['99 %', (s) => s.total.latency.messages ? s.total.latency.p99_us : null]],
  connections: [['open', (s) => s.total.connections], ['waiting', (s) => s.total.waiting_connections]],
  memory: [['owed', (s) => s.total.owed_bytes], ['history', (s) => s.total.history_bytes]],
  turns: [['turns', (s) => s.total.rates.turns_per_s], ['wakes', (s) => s.total.rates.wakes_per_s]],
};

export class History {
  constructor() {
    this.series = Object.fromEntries(Object.entries(LINES).map(([name, lines]) => [name, new Series(lines.length, SECONDS)]));
  }

  take(stats) {
    const second = Math.round(stats.time_us / 1e6);
    for (const [name, lines] of Object.entries(LINES)) this.series[name].push(second, ...lines.map(([, value]) => value(stats) ?? null));
  }
}
