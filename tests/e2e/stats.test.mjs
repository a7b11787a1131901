// `$broker/stats`: once a second, to whoever asks for it; its figures are what really happened.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Broker, kShards } from './broker.mjs';
import { Client, publish, request } from './client.mjs';
import { eventually } from './program.mjs';

const kPath = '/topics/%24broker/stats';

// The newest stats for which `wanted` holds.
async function statsWhere(broker, wanted) {
  let stats;
  return eventually(async () => {
    const { status, body } = await request(broker.url + kPath);
    if (status !== 200) return undefined;
    stats = JSON.parse(body);
    return wanted(stats) && stats;
  }, () => `stats as wanted; the last: ${JSON.stringify(stats)}`);
}

describe('$broker/stats', { concurrency: true }, () => {
  it('counts what was published, delivered and connected, over all shards', async (t) => {
    const broker = await Broker.of(t);
    const subscribers = await Promise.all(Array.from({ length: 6 }, () => Client.open(broker.topic('a/#'))));
    for (let i = 0; i < 20; ++i) await publish(broker, `a/${i}`, '0123456789');
    for (const subscriber of subscribers) await subscriber.has(20);
    const stats = await statsWhere(broker, ({ total }) => total.delivered_messages === 120);
    assert.equal(stats.version, 1);
    assert.equal(stats.state, 'ready');
    assert.equal(stats.io, broker.io);
    assert.equal(stats.total.published_messages, 20);
    assert.equal(stats.total.published_bytes, 200);
    assert.equal(stats.total.topics, 21); // its own included
    assert.equal(stats.total.subscriptions, 6);
    assert.equal(stats.total.connections_by_kind.raw, 6);
    assert.equal(stats.shards.length, kShards);
    for (const [i, shard] of stats.shards.entries()) assert.equal(shard.shard, i);
    const sum = stats.shards.reduce((all, { connections }) => all + connections, 0);
    assert.equal(sum, stats.total.connections);
    await Promise.all(subscribers.map((subscriber) => subscriber.close(1000)));
    await statsWhere(broker, ({ total }) => total.connections_by_kind.raw === 0 && total.closes_by_code['1000'] === 6 && total.subscriptions === 0);
  });

  it('come once a second to who subscribes, but not to #', async (t) => {
    const broker = await Broker.of(t);
    const all = await Client.open(broker.topic('#'));
    const own = await Client.open(broker.topic('$broker/#'));
    await own.has(3);
    const times = own.inbox.slice(0, 3).map((text) => JSON.parse(text).time_us);
    assert.ok(times[1] - times[0] >= 400_000 && times[2] - times[1] >= 400_000, `${times}`);
    await publish(broker, 'a', 'x');
    await all.has(1);
    assert.deepEqual(all.inbox, ['x']);
    await all.close(1000);
    await own.close(1000);
  });

  it('do not count for --max-topics, and are kept whatever history says', async (t) => {
    const broker = await Broker.of(t, { shards: 1, args: ['--max-topics', '2', '--history-last', '0'] });
    await statsWhere(broker, () => true);
    await publish(broker, 'a', 'x');
    await publish(broker, 'b', 'x');
    assert.equal((await request(`${broker.url}/topics/c`, { method: 'POST', body: 'x' })).status, 507);
    assert.equal((await request(`${broker.url}/topics/%24broker/stats`, { method: 'POST', body: 'x' })).status, 403);
  });
});
