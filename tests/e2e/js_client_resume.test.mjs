// The JavaScript client over connections that are cut at random while publishing goes on, on 4 shards, in both protocols:
// every message once and in order, of latest the newest of each topic, each publish once; and a broker that restarts.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connect } from '../../web/client/index.js';
import { Broker } from './broker.mjs';
import { eventually, within } from './program.mjs';
import { Proxy, seeded } from './proxy.mjs';

const kTopics = 6;
const kInFlight = 20; // publishes
const kCuts = 40;
const kMessagesMin = 1000;
const kBudgetMin = 1500; // bytes until a connection is cut: some do not live to see the end of what they missed
const kBudgetMax = 40_000;
const kReconnect = { minMs: 1, firstMs: 20, maxMs: 40, stableMs: 1 };

// A subscriber that keeps account, by topic, and notes what must not be.
class Witness {
  heard = new Map(); // topic -> {seq, value} of the newest
  outcomes = new Set();
  wrong = [];

  constructor(url, protocol, filter, options) {
    this.isEvery = options.delivery !== 'latest';
    this.filter = filter;
    this.rc = connect(url, { protocol, reconnect: kReconnect, name: `witness/${protocol}` });
    this.sub = this.rc.subscribe(filter, options, (message) => this.#take(message));
    for (const outcome of ['recovered', 'conflated', 'gap']) {
      this.sub.addEventListener(outcome, () => this.outcomes.add(outcome));
    }
    for (const type of ['error', 'lag']) this.rc.addEventListener(type, ({ detail }) => this.wrong.push({ [type]: detail }));
  }

  #take({ topic, seq, mark, data: value }) {
    const last = this.heard.get(topic)?.seq ?? 0;
    if (this.isEvery ? seq !== last + 1 : seq <= last) this.wrong.push({ topic, seq, last, mark });
    this.heard.set(topic, { seq, value });
  }

  // topic -> {seq, value} of the newest.
  get told() {
    return new Map([...this.heard].map(([topic, { seq, value }]) => [topic, { seq, value: value.value }]));
  }

  // All of the newest that its filter matches.
  has(newest) {
    const { told } = this;
    const matching = [...newest].filter(([topic]) => this.filter.endsWith('#') || this.filter === topic);
    return matching.every(([topic, { seq, value }]) => told.get(topic)?.seq === seq && told.get(topic).value === value);
  }
}

for (const protocol of ['json', 'proto']) {
  describe(protocol, () => {
    it('connections that are cut again and again lose nothing and double nothing', async (t) => {
      const broker = await Broker.of(t, { args: ['--history', '#=100000', '--max-lag-age', '1h'] });
      const random = seeded(protocol.length);
      let isCutting = true;
      const budget = () => (isCutting ? Math.floor(kBudgetMin + random() ** 2 * (kBudgetMax - kBudgetMin)) : undefined);
      const proxy = await Proxy.start({ budget });
      t.after(() => proxy.stop());
      proxy.target = broker.port;

      const witnesses = [
        ['storm/#', {}], ['storm/#', { onLag: 'skip' }], ['storm/2', {}],
        ['storm/#', { delivery: 'latest' }], ['storm/#', { delivery: 'latest', maxRateHz: 50 }], ['storm/3', { delivery: 'latest' }],
      ].map(([filter, options]) => new Witness(proxy.url, protocol, filter, options));
      // Two subscriptions on one connection: each for itself.
      const pair = new Witness(proxy.url, protocol, 'storm/#', {});
      const both = [];
      const second = pair.rc.subscribe('storm/1', {}, ({ seq }) => both.push(seq));
      const producer = connect(proxy.url, { protocol, reconnect: kReconnect, name: 'producer/1' });
      const all = [...witnesses, pair];
      t.after(() => Promise.all([...all.map(({ rc }) => rc), producer].map((rc) => rc.close({ timeoutMs: 0 }))));
      // A subscription is certain of what comes after its first checkpoint only: before, it begins anew and says so.
      await Promise.all([second, ...all.map(({ sub }) => sub)].map((sub) => eventually(() => sub.point.token, 'a first checkpoint')));
      for (const one of all) one.outcomes.clear();

      const acked = new Map(); // topic -> the highest seq
      let published = 0;
      const publish = async () => {
        while (published < kMessagesMin || proxy.cuts < kCuts) {
          const value = (published += 1);
          const topic = `storm/${value % kTopics}`;
          const { seq, status, maybeTwice } = await producer.publish(topic, { value, text: 'x'.repeat(value % 50) });
          if (status === 'sequenced') acked.set(topic, Math.max(seq, acked.get(topic) ?? 0));
          assert.ok(!maybeTwice);
        }
      };
      await within(Promise.all(Array.from({ length: kInFlight }, publish)), () => `${published} publishes, ${proxy.cuts} cuts`, 120_000);
      isCutting = false;
      // Each was published once: so many are the last seqs in sum.
      const sum = (told) => [...told].reduce((count, [, { seq }]) => count + seq, 0);
      await eventually(() => sum(all[0].heard) >= published, () => `${published} messages: ${JSON.stringify([...all[0].told])}`);
      const last = all[0].told;
      assert.equal(sum(last), published);
      for (const [topic, seq] of acked) assert.ok(seq <= last.get(topic).seq);
      for (const one of all) {
        await eventually(() => one.has(last), () => `the newest of ${one.filter}: ${JSON.stringify([...one.told])}, not ${JSON.stringify([...last])}`);
        assert.deepEqual(one.wrong, [], `${one.filter} ${JSON.stringify(one.sub.options)}`);
        assert.ok(!one.outcomes.has('gap'), `${one.filter}: ${[...one.outcomes]}`);
      }
      // The second subscription of a connection goes on by itself, maybe later than the first.
      await eventually(() => both.length >= last.get('storm/1').seq, () => `all of storm/1; there are ${both.length}`);
      assert.deepEqual(both, Array.from({ length: last.get('storm/1').seq }, (_, i) => i + 1));
      assert.ok(all[0].outcomes.has('recovered'));
      assert.ok(all.some(({ outcomes }) => outcomes.has('conflated')));
      t.diagnostic(`${published} publishes over ${proxy.cuts} cuts`);
    });

    it('a broker that restarts is a gap; what was published goes on', async (t) => {
      const first = await Broker.start();
      const proxy = await Proxy.start();
      t.after(() => proxy.stop());
      proxy.target = first.port;
      const rc = connect(proxy.url, { protocol, reconnect: kReconnect });
      t.after(() => rc.close());
      const log = [];
      const sub = rc.subscribe('gap/#', { start: 'last' }, ({ data, seq }) => log.push(`${data} ${seq}`));
      for (const type of ['gap', 'recovered']) {
        rc.addEventListener(type, ({ detail, subscription }) => log.push(`${type} ${subscription === sub} ${detail.lastEpoch !== detail.epoch}`));
      }
      const states = [];
      rc.addEventListener('state', ({ detail }) => states.push(detail.state));
      await rc.publish('gap/a', 'before');
      await eventually(() => sub.point.token && log.length === 1, 'a checkpoint');
      proxy.target = undefined;
      await first.stop(); // it drains, and closes with 1012
      // That the broker has ended may be known here before the client has read what it said.
      await eventually(() => ['waiting', 'connecting'].includes(rc.state), 'a lost connection');
      const waiting = rc.publish('gap/a', 'while it is away');
      const second = await Broker.of(t);
      proxy.target = second.port;
      const { seq, maybeTwice } = await waiting;
      assert.deepEqual([seq, maybeTwice], [1, false]);
      await eventually(() => log.length === 3, () => log.join());
      assert.deepEqual(log, ['before 1', 'gap true true', 'while it is away 1']);
      assert.ok(states.includes('draining'), states.join());
      // A page that is loaded anew goes on where it was.
      const { point } = sub;
      await eventually(() => sub.point.token !== point.token || sub.point.epoch === rc.epoch, 'a checkpoint of the new one');
      const kept = JSON.parse(JSON.stringify(sub.point));
      sub.unsubscribe();
      await rc.publish('gap/b', 'unheard');
      const again = [];
      const resumed = rc.subscribe('gap/#', { start: { resume: kept } }, ({ data }) => again.push(data));
      await within(new Promise((resolve) => resumed.addEventListener('recovered', resolve)), 'that it is recovered');
      assert.deepEqual(again.slice(-1), ['unheard']);
    });
  });
}
