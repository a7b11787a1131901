// The small parts of the client, each by itself: of subscriptions.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FilterTable, isExact } from '../../../web/client/filter_table.js';
import { MessageQueue } from '../../../web/client/message_queue.js';
import { ResumeState } from '../../../web/client/resume_state.js';
import { changeOf, deliveryOf, subscribeOf } from '../../../web/client/subscribe_options.js';
import { TopicMemory } from '../../../web/client/topic_memory.js';
import { matches } from '../../e2e/protocol/client.mjs';
import { seeded } from '../../e2e/proxy.mjs';

describe('the filter table', () => {
  it('gives each subscription that a plain matcher gives, over random filters and topics', () => {
    const seed = 11;
    const random = seeded(seed);
    const pick = (list) => list[Math.floor(random() * list.length)];
    const name = (levels) => Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick(levels)).join('/');
    for (let round = 0; round < 200; ++round) {
      const table = new FilterTable();
      const filters = new Map();
      for (let id = 0; id < 12; ++id) {
        const filter = (name(['a', 'b', '+', '', '$x']) + pick(['', '/#'])).replace(/^\+?\/#$/, '#');
        filters.set(id, filter);
        table.add(filter, id);
      }
      for (const id of [...filters.keys()].filter(() => random() < 0.3)) {
        table.remove(filters.get(id), id);
        filters.delete(id);
      }
      for (let i = 0; i < 20; ++i) {
        const topic = name(['a', 'b', 'c', '', '$x']);
        const wanted = [...filters].filter(([, filter]) => matches(filter, topic)).map(([id]) => id);
        assert.deepEqual(table.match(topic).sort((a, b) => a - b), wanted, `seed ${seed}: ${topic} of ${[...filters.values()]}`);
      }
    }
  });

  it('knows which filters are one topic', () => {
    for (const [filter, exact] of [['a', true], ['a/b+', true], ['a/+', false], ['+', false], ['#', false], ['a/#', false], ['a#/b', true]]) {
      assert.equal(isExact(filter), exact, filter);
    }
  });
});

describe('topic memory', () => {
  it('knows what was noted, and forgets the oldest generation when it is full', () => {
    const memory = new TopicMemory(2);
    memory.note('a', 5);
    memory.note('a', 4);
    assert.deepEqual([memory.has('a', 5), memory.has('a', 6), memory.has('b', 0)], [true, false, false]);
    for (const topic of ['b', 'c']) memory.note(topic, 1);
    assert.ok(memory.has('a', 5), 'in the older generation');
    memory.note('a', 6);
    for (const topic of ['d', 'e']) memory.note(topic, 1);
    assert.deepEqual(['a', 'b', 'd', 'e'].map((topic) => memory.has(topic, 1)), [true, false, true, true]);
    memory.clear();
    assert.ok(!memory.has('e', 1));
  });
});

describe('resume state', () => {
  const live = (topic, seq, position, origin = 0) => ({ topic, seq, position, origin });
  const begun = (delivery) => {
    const state = new ResumeState(delivery);
    state.begin('e');
    state.checkpoint({ epoch: 'e', token: 't' }, true);
    return state;
  };

  it('counts positions of live messages of every, the highest of each origin', () => {
    const state = begun('every');
    assert.equal(state.take(live('a', 1, 10)), true);
    assert.equal(state.take(live('b', 1, 7, 1)), true);
    assert.equal(state.take({ ...live('c', 1, 99), mark: 'replay' }), false);
    assert.deepEqual(state.point, { epoch: 'e', token: 't', received: { 0: 10, 1: 7 } });
  });

  it('remembers topics where positions do not count, and tells none twice', () => {
    const latest = begun('latest');
    assert.equal(latest.take(live('a', 2, 10)), false);
    assert.equal(latest.take(live('a', 2, 10)), undefined);
    assert.deepEqual(latest.point.received, {});
    const lagging = begun('every');
    lagging.isLagging = true;
    assert.equal(lagging.take(live('a', 2, 10)), false);
    lagging.isLagging = false;
    assert.equal(lagging.take(live('a', 2, 10)), undefined);
    const changed = begun('latest');
    changed.change('every');
    assert.equal(changed.take(live('a', 2, 10)), false, 'what was owed comes late');
    changed.lose();
    changed.begin('e');
    assert.equal(changed.take(live('a', 3, 11)), true);
  });

  it('forgets what a token covers, and all that another epoch counted', () => {
    const state = begun('every');
    state.take({ ...live('a', 2, 10), mark: 'snapshot' });
    state.checkpoint({ epoch: 'e', token: 'u' }, false);
    assert.equal(state.take({ ...live('a', 2, 10), mark: 'replay' }), undefined);
    state.checkpoint({ epoch: 'e', token: 'u' }, true);
    assert.equal(state.take({ ...live('a', 2, 10), mark: 'replay' }), false);
    state.begin('f');
    assert.equal(state.isForeign, true);
    assert.equal(state.take(live('a', 1, 1)), false, 'not a position of the token’s epoch');
    state.checkpoint({ epoch: 'f', token: 'v' }, true);
    assert.deepEqual([state.isForeign, state.point.received], [false, {}]);
  });

  it('takes 64 origins, and no more', () => {
    const state = begun('every');
    for (let origin = 0; origin < 65; ++origin) state.take(live(`t${origin}`, 1, 5, origin));
    assert.equal(Object.keys(state.point.received).length, 64);
  });
});

describe('a queue of messages', () => {
  const queueOf = (options) => {
    const told = [];
    const queue = new MessageQueue({ limit: 3, conflates: () => false, dropped: (...args) => told.push(args), ...options });
    return { queue, told };
  };
  const message = (topic, seq, op = 'set') => ({ topic, seq, op });
  const taken = async (queue, count) => {
    const all = [];
    for (let i = 0; i < count; ++i) all.push((await queue.next()).value.seq);
    return all;
  };

  it('that nobody takes from keeps the newest, and tells what it dropped, exactly', async () => {
    const { queue, told } = queueOf();
    for (let seq = 1; seq <= 10; ++seq) queue.push(message('t', seq));
    assert.equal(queue.size, 3);
    assert.deepEqual(told, [[1, false]]);
    assert.deepEqual(await taken(queue, 3), [8, 9, 10]);
    assert.deepEqual(told, [[1, false], [6, true]]);
  });

  it('of latest keeps the newest of each topic at its place, and an event beside its value', async () => {
    const { queue, told } = queueOf({ conflates: () => true });
    for (let seq = 1; seq <= 100; ++seq) queue.push(message(seq % 2 ? 'a' : 'b', seq));
    queue.push(message('a', 101, 'event'));
    assert.deepEqual(await taken(queue, 3), [99, 100, 101]);
    assert.deepEqual(told, []);
  });

  it('gives what comes to who waits, and ends', async () => {
    const { queue } = queueOf();
    const waiting = [queue.next(), queue.next()];
    queue.push(message('t', 1));
    assert.equal((await waiting[0]).value.seq, 1);
    queue.end();
    assert.deepEqual(await waiting[1], { value: undefined, done: true });
    assert.deepEqual(await queue.next(), { value: undefined, done: true });
    const { queue: failing } = queueOf();
    failing.push(message('t', 1));
    failing.end(new Error('refused'));
    assert.deepEqual(await taken(failing, 1), [1]);
    await assert.rejects(failing.next(), /refused/);
  });
});

describe('options', () => {
  it('of a subscription become what the protocol says', () => {
    const date = new Date(1_700_000_000_123);
    const table = [
      [{}, {}, {}], [{ start: 'last' }, { start: 'last_values' }, {}], [{ start: { last: 3 } }, { start: 'last_n', last_count: 3 }, {}],
      [{ start: { since: date } }, { start: 'since_time', since_us: 1_700_000_000_123_000 }, {}], [{ echo: false }, { echo: false }, {}],
      [{ maxRateHz: 2.5 }, {}, { delivery: 'latest', max_rate_hz: 2.5 }], [{ delivery: 'latest' }, {}, { delivery: 'latest' }],
      [{ onLag: 'skip' }, {}, { on_lag: 'skip' }],
    ];
    for (const [given, members, delivery] of table) {
      const { options, wanted } = subscribeOf(given);
      assert.deepEqual([options, changeOf(wanted)], [members, delivery], JSON.stringify(given));
    }
    assert.equal(subscribeOf({ start: { resume: { token: 't' } } }).from.token, 't');
    assert.equal(subscribeOf({ start: { resume: { token: '' } } }).from, undefined, 'there was no checkpoint yet');
  });

  it('that cannot be are refused by name', () => {
    for (const given of [{ rate: 1 }, { start: 'first' }, { start: { last: 1.5 } }, { delivery: 'some' }, { onLag: 'wait' },
      { maxRateHz: 0.0009 }, { maxRateHz: 1001 }, { maxRateHz: NaN }, { maxRateHz: '1' }, { delivery: 'every', maxRateHz: 1 }]) {
      assert.throws(() => subscribeOf(given), { code: 'usage' }, JSON.stringify(given));
    }
    for (const maxRateHz of [0, 0.001, 1000]) assert.equal(deliveryOf({ maxRateHz }).maxRateHz, maxRateHz);
  });

  it('a hidden page lowers rates, and never raises one', () => {
    const rates = (maxRateHz) => changeOf(deliveryOf({ delivery: 'latest', maxRateHz }), 1).max_rate_hz;
    assert.deepEqual([0, 10, 0.5].map(rates), [1, 1, 0.5]);
    assert.deepEqual(changeOf(deliveryOf({}), 1), {});
  });
});
