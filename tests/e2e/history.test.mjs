// What is kept, and for how long: rules out of a configuration file, values that expire, limits that refuse.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { Broker, onEachBackend } from './broker.mjs';
import { Client, publish, request } from './client.mjs';
import { EventStream } from './event_stream.mjs';
import { binary, eventually, run } from './program.mjs';
import { FullClient, fullUrl } from './protocol/client.mjs';

const kTtlMs = 1500;
const kForgetMs = 1000;
const folder = mkdtempSync(join(tmpdir(), 'ringcast-history-'));
after(() => rmSync(folder, { recursive: true }));

const config = join(folder, 'history.toml');
writeFileSync(config, `
forget-after = "1h"

[[history]]
filter = "last/#"
last = 3

[[history]]
filter = "short/#"
last = 3
ttl = "${kTtlMs}ms"

[[history]]
filter = "aged/#"
last = 100
age = "${kTtlMs}ms"

[[history]]
filter = "bytes/#"
last = 100
bytes = "4KiB"

[[history]]
filter = "none/#"
last = 0
`);

const status = async (broker, topic) => (await request(`${broker.url}/topics/${topic}`)).status;
const texts = (client, topic) => client.messages.filter((each) => each.topic === topic && each.op !== 'remove').map(({ payload }) => payload.toString());

onEachBackend('history rules', (io) => {
  it('remove a value that nobody renews, and tell its subscribers, each as it can be told', async (t) => {
    const broker = await Broker.of(t, { io, args: ['--config', config] });
    const listeners = await Promise.all(['proto', 'json', 'proto', 'json'].map((form) => FullClient.open(fullUrl(broker), { form })));
    for (const [i, listener] of listeners.entries()) await listener.subscribe(i % 2 ? 'short/#' : 'short/a');
    const stream = await EventStream.open(broker, 'short/a');
    const raw = await Client.open(broker.topic('short/a'));
    const begun = performance.now();
    assert.equal(await publish(broker, 'short/a', 'value'), 1);
    assert.equal(await publish(broker, 'other', 'stays'), 1);
    const there = await status(broker, 'short/a');
    if (performance.now() - begun < kTtlMs) assert.equal(there, 200); // it is never removed early; a slow machine asks late

    for (const listener of listeners) {
      const removed = await listener.heard((message) => message.op === 'remove');
      assert.deepEqual([removed.topic, removed.seq], ['short/a', 2]);
    }
    const took = performance.now() - begun;
    assert.ok(took >= kTtlMs - 5, `it took ${took} ms`);
    assert.equal(await status(broker, 'short/a'), 404);
    assert.equal(await status(broker, 'other'), 200);
    assert.deepEqual((await stream.take(2)).map(({ event }) => event), ['message', 'remove']);

    assert.equal(await publish(broker, 'short/a', 'again'), 3);
    assert.deepEqual(await raw.has(2), ['value', 'again'], 'a raw connection cannot be shown a removal');
    for (const listener of listeners) {
      await listener.heard((message) => message.seq === 3);
      assert.deepEqual(listener.messages.map(({ seq }) => seq).slice(0, 3), [1, 2, 3]); // then it is removed again
    }
    stream.close();
  });

  it('keep messages by number, age and bytes', async (t) => {
    const broker = await Broker.of(t, { io, args: ['--config', config] });
    let seq; // of the last of aged/x: on a slow machine some of it is too old, and removed, before the rest comes
    for (let i = 0; i < 10; ++i) {
      for (const topic of ['last/x', 'none/x', 'other/x']) await publish(broker, topic, `${i}`);
      seq = await publish(broker, 'aged/x', `${i}`);
      await publish(broker, 'bytes/x', `${i}`.padEnd(1000));
    }
    const kept = async (topic) => {
      const client = await FullClient.open(fullUrl(broker), { form: 'json' });
      const id = await client.subscribe(topic, { start: 'last_n', last_count: 1000 });
      await client.event('snapshot_end', (end) => end.subscription === id);
      client.close();
      return texts(client, topic).map((text) => text.trim());
    };
    assert.deepEqual(await kept('last/x'), ['7', '8', '9']);
    assert.deepEqual(await kept('none/x'), []);
    assert.deepEqual(await kept('other/x'), ['9']);
    assert.deepEqual(await kept('bytes/x'), ['7', '8', '9']); // 1,000 bytes, and those of the names and headers
    assert.equal(await status(broker, 'none/x'), 404);
    assert.ok((await kept('aged/x')).length <= 10);
    await eventually(async () => (await status(broker, 'aged/x')) === 404, () => 'the end of what is too old');
    assert.deepEqual(await kept('aged/x'), []);
    const begun = performance.now();
    assert.equal(await publish(broker, 'aged/x', 'new'), seq + 2, 'one removal for all of it');
    const after = await kept('aged/x');
    if (performance.now() - begun < kTtlMs) assert.deepEqual(after, ['new']);
  });

  it('give a removed name back under --max-topics when it is forgotten, and refuse until then', async (t) => {
    const broker = await Broker.of(t, { io, shards: 1, args: ['--max-topics', '2', '--forget-after', `${kForgetMs}ms`] });
    const post = async (topic) => (await request(`${broker.url}/topics/${topic}`, { method: 'POST', body: 'x' })).status;
    const listener = await FullClient.open(fullUrl(broker), { form: 'json' });
    await listener.subscribe('a');
    assert.deepEqual([await post('a'), await post('b'), await post('c')], [200, 200, 507]);
    const begun = performance.now();
    assert.equal((await request(`${broker.url}/topics/a`, { method: 'DELETE' })).status, 200);
    const refused = await post('c');
    if (performance.now() - begun < kForgetMs) assert.equal(refused, 507); // it is not forgotten early
    await eventually(async () => (await post('c')) === 200, () => 'a place for another topic');
    assert.deepEqual([await post('a'), await post('b')], [507, 200]);
    assert.equal((await request(`${broker.url}/topics/b`, { method: 'DELETE' })).status, 200);
    await eventually(async () => (await post('a')) === 200, () => 'a place for the first');
    const again = await listener.heard((message) => message.op !== 'remove' && message.seq > 2);
    assert.equal(again.topic, 'a');
  });
});

it('check-config says which rules a file holds', async () => {
  const end = await run(binary, ['check-config', config]);
  assert.deepEqual([end.code, end.lines], [0, []]);
  assert.match(end.out, /short\/#=3;ttl:1500ms/);
  assert.match(end.out, /bytes\/#=100;bytes:4KiB/);
  assert.match(end.out, /forget-after = 1h/);
});
