// BrokerView: what the broker does, by its own figures.

import { eachFrame, seldom } from '../frame.js';
import { health } from '../link.js';
import { at, bytes, compact, facts, micros, percent, seconds, write } from '../text.js';
import { Charts } from './charts.js';
import { History } from './history.js';
import { followStats } from './source.js';
import { Table } from './table.js';

const STALE_MS = 3000;
const DRAW_EVERY_MS = 250;

const SHARD_COLUMNS = [
  ['Shard', (s) => `${s.shard}`],
  ['Of all work', (s) => share(s.rates.published_per_s + s.rates.delivered_per_s, s.work), 'number'],
  ['Connections', (s) => compact(s.connections), 'number'],
  ['Topics', (s) => compact(s.topics), 'number'],
  ['In/s', (s) => compact(s.rates?.published_per_s ?? 0), 'number'],
  ['Out/s', (s) => compact(s.rates?.delivered_per_s ?? 0), 'number'],
  ['99 %', (s) => (s.latency?.messages ? micros(s.latency.p99_us) : '–'), 'number'],
  ['Owed', (s) => bytes(s.owed_bytes), 'number'],
  ['Age', (s) => (s.age_ms === null ? 'none yet' : `${s.age_ms} ms`), 'number'],
];
const SLOWEST_COLUMNS = [
  ['Connection', (c) => c.id],
  ['Kind', (c) => c.kind],
  ['Is sent', (c) => (c.lagging ? 'newest values' : 'what it asked for')],
  ['Behind', (c) => seconds(c.oldest_ms), 'number'],
  ['Owed', (c) => bytes(c.owed_bytes), 'number'],
  ['Pinned', (c) => bytes(c.pinned_bytes), 'number'],
];

function share(value, total) {
  return total > 0 ? percent((value ?? 0) / total) : '–';
}

export class BrokerView {
  constructor() {
    this.history = new History();
    this.stats = undefined;
    this.takenAt = 0;
    this.draw = seldom(DRAW_EVERY_MS, () => this.drawAll());
    // The figures are kept from the first look on, so that the charts have no holes.
    followStats({ take: (stats) => this.take(stats), refused: (why) => (this.refused = why) });
  }

  show() {
    this.end = eachFrame((now) => this.draw(now));
  }

  hide() {
    this.end();
  }

  take(stats) {
    this.refused = undefined;
    this.stats = stats;
    this.takenAt = Date.now();
    this.history.take(stats);
  }

  drawAll() {
    const element = at('broker-state');
    const age = Date.now() - this.takenAt;
    const isStale = this.stats && health.state === 'connected' && age > STALE_MS;
    element.dataset.state = this.refused ? 'closed' : isStale ? 'stale' : health.state;
    const words = this.refused ?? (health.state !== 'connected' ? health.words() : !this.stats ? 'waiting for figures' : `last update ${seconds(age)} ago`);
    write(element, words);
    if (!this.stats || this.drawn === this.stats) return;
    this.drawn = this.stats;
    this.open();
    this.write(this.stats);
    this.charts.draw();
  }

  // The first figures are here.
  open() {
    if (this.charts) return;
    at('broker-empty').hidden = true;
    at('broker').hidden = false;
    this.charts = new Charts(at('broker-charts'), this.history);
    this.shards = new Table(at('broker-shards'), SHARD_COLUMNS, { empty: 'none' });
    this.slowest = new Table(at('broker-slowest'), SLOWEST_COLUMNS, { empty: 'Nobody is behind.' });
  }

  write(stats) {
    const { total } = stats;
    const { rates, latency } = total;
    write(at('broker-about'), `${stats.broker_version} · ${stats.io} · ${stats.state} · up ${seconds(stats.uptime_ms)} · epoch ${stats.epoch}`);
    facts(at('broker-tiles'), [
      ['Published/s', compact(rates.published_per_s)], ['Delivered/s', compact(rates.delivered_per_s)],
      ['Merged/s', compact(rates.merged_per_s)], ['Connections', compact(total.connections)],
      ['Subscriptions', compact(total.subscriptions)], ['Topics', compact(total.topics)],
      ['In', `${bytes(rates.received_bytes_per_s)}/s`], ['Out', `${bytes(rates.sent_bytes_per_s)}/s`],
      ['99 % sent within', latency.messages ? micros(latency.p99_us) : '–'],
      ['Owed to slow ones', bytes(total.owed_bytes)], ['of the budget', share(total.owed_bytes, stats.memory_budget_bytes)],
      ['History', bytes(total.history_bytes)],
    ]);
    const shards = stats.shards.filter((shard) => shard.rates);
    const work = shards.reduce((sum, { rates: each }) => sum + each.published_per_s + each.delivered_per_s, 0);
    this.shards.write(shards.map((shard) => ({ ...shard, work })));
    this.slowest.write(stats.slowest);
    facts(at('broker-totals'), totals(total));
  }
}

function totals(total) {
  const kinds = Object.entries(total.connections_by_kind ?? {}).filter(([, number]) => number > 0).map(([kind, number]) => `${kind} ${compact(number)}`);
  const closes = Object.entries(total.closes_by_code ?? {}).filter(([, number]) => number > 0).map(([code, number]) => `${code}: ${compact(number)}`);
  return [
    ['Connections now', kinds.join(', ') || 'none'], ['Published', compact(total.published_messages)], ['Delivered', compact(total.delivered_messages)],
    ['Merged', compact(total.merged_messages)], ['Skipped', compact(total.skipped_messages)], ['Fell behind', compact(total.lag_events)],
    ['Caught up', compact(total.caught_up)], ['Closed for slowness', compact(total.closed_slow)], ['Refused messages', compact(total.refused_messages)],
    ['Duplicates', compact(total.duplicate_messages)], ['Resumed', compact(total.resumes?.recovered ?? 0)], ['Resumed with a gap', compact(total.resumes?.gap ?? 0)],
    ['Blocked sends', compact(total.blocked_sends)], ['Stalls', compact(total.stalls)], ['HTTP requests', compact(total.http_requests)], ['Closes', closes.join(', ') || 'none'],
  ];
}
