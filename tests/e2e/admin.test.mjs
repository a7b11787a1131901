// The operators' port: probes, /metrics and /api/v1 tell what really happened, and change what they are asked to.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { Broker, kPatient, kShards } from './broker.mjs';
import { Client, publish, request } from './client.mjs';
import { binary, eventually, run } from './program.mjs';

const kJson = { 'Content-Type': 'application/json' };

const ask = async (broker, path, options = {}) => request(broker.adminUrl + path, options);
const api = async (broker, path, options) => JSON.parse((await ask(broker, `/api/v1/${path}`, options)).body);

// The values of a scrape, summed over shards: {'name{labels}': number}.
async function scrape(broker) {
  const { status, body } = await ask(broker, '/metrics');
  assert.equal(status, 200);
  const sums = {};
  for (const line of String(body).split('\n')) {
    const found = line.match(/^([a-z_]+)(?:\{shard="\d+",?([^}]*)\})? (\S+)$/);
    if (!found || line.startsWith('#')) continue;
    const name = found[1] + (found[2] ? `{${found[2]}}` : '');
    sums[name] = (sums[name] ?? 0) + Number(found[3]);
  }
  return sums;
}

describe("operators' port", { concurrency: true }, () => {
  it('answers probes, and metrics whose figures are what was sent and received', async (t) => {
    const broker = await Broker.of(t);
    for (const probe of ['/livez', '/readyz', '/healthz']) assert.equal((await ask(broker, probe)).status, 200, probe);
    const subscribers = await Promise.all(Array.from({ length: 8 }, (_, i) => Client.open(broker.topic(i % 2 ? 'm/#' : 'm/1'))));
    const publishing = (async () => {
      for (let i = 0; i < 60; ++i) await publish(broker, `m/${i % 3}`, '0123456789');
    })();
    let before = 0;
    for (let i = 0; i < 5; ++i) { // while it is published
      const now = (await scrape(broker)).ringcast_published_messages_total;
      assert.ok(now >= before);
      before = now;
    }
    await publishing;
    for (const [i, subscriber] of subscribers.entries()) await subscriber.has(i % 2 ? 60 : 20);
    const sums = await eventually(async () => {
      const now = await scrape(broker);
      return now.ringcast_latency_seconds_count > 0 && now;
    }, 'a latency');
    assert.equal(sums.ringcast_published_messages_total, 60);
    assert.equal(sums.ringcast_published_bytes_total, 600);
    assert.equal(sums.ringcast_delivered_messages_total, 4 * 60 + 4 * 20);
    assert.equal(sums['ringcast_connections{protocol="raw"}'], 8);
    assert.equal(sums.ringcast_subscriptions, 8);
    assert.equal(sums.ringcast_shard_up, kShards);
    assert.equal(sums.ringcast_ready, 1);
    assert.ok(sums.process_resident_memory_bytes > 1e6);
    assert.ok(sums.ringcast_sent_bytes_total > 320 * 12);
    const promtool = spawnSync('promtool', ['check', 'metrics'], { input: (await ask(broker, '/metrics')).body });
    if (promtool.error) t.diagnostic("promtool is not here: install Debian's prometheus");
    else assert.equal(promtool.status, 0, `${promtool.stdout}${promtool.stderr}`);
  });

  it('finds connections, and closes one as it is asked to', async (t) => {
    const broker = await Broker.of(t);
    const clients = await Promise.all(['a/1', 'a/#', 'b'].map((filter) => Client.open(broker.topic(filter))));
    const { connections } = await api(broker, 'connections?kind=raw');
    assert.deepEqual(connections.map(({ filter }) => filter).sort(), ['a/#', 'a/1', 'b']);
    assert.equal((await api(broker, 'connections?topic=a/1')).connections.length, 2);
    const [one] = (await api(broker, 'connections?filter=b')).connections;
    assert.match(one.address, /^127\.0\.0\.1:\d+$/);
    assert.deepEqual((await api(broker, `connections?address=${one.address}`)).connections.map(({ id }) => id), [one.id]);
    const path = `/api/v1/connections/${one.id}`;
    assert.equal((await ask(broker, path, { method: 'DELETE' })).status, 415); // as a page's form would
    assert.equal((await ask(broker, `${path}?code=1006`, { method: 'DELETE', headers: kJson })).status, 400);
    const closed = await ask(broker, `${path}?code=4321&reason=enough%20now`, { method: 'DELETE', headers: { 'X-Ringcast': '1' } });
    assert.equal(closed.status, 200, closed.body);
    assert.deepEqual(await clients[2].over(), { code: 4321, reason: 'enough now' });
    await eventually(async () => (await ask(broker, path)).status === 404, 'that it is gone');
    assert.equal((await ask(broker, path, { method: 'DELETE', headers: kJson })).status, 404);
    const pages = [];
    for (let next = ''; next !== undefined;) {
      const page = await api(broker, `connections?kind=raw&limit=1${next && '&after=' + next}`);
      pages.push(...page.connections.map(({ id }) => id));
      next = page.next;
    }
    assert.equal(new Set(pages).size, 2);
  });

  it('tells topics with their rate, last value and subscribers', async (t) => {
    const broker = await Broker.of(t);
    const clients = await Promise.all(['t/1', 't/#', '#'].map((filter) => Client.open(broker.topic(filter))));
    for (let i = 0; i < 5; ++i) await publish(broker, 't/1', '{"px":1}', kJson);
    await publish(broker, 't/2', 'text');
    const { topics } = await api(broker, 'topics?filter=t/%2B');
    assert.deepEqual(topics.map(({ topic, seq, subscribers }) => [topic, seq, subscribers]), [['t/1', 5, 3], ['t/2', 1, 2]]);
    assert.equal(topics[0].last.payload_bytes, 8);
    assert.equal(topics[0].last.format, 'json');
    const busiest = await eventually(async () => {
      await publish(broker, 't/2', 'more');
      const [first] = (await api(broker, 'topics?sort=rate&limit=1')).topics;
      return first.rate_per_s > 0 && first;
    }, 'a rate');
    assert.equal(busiest.topic, 't/2');
    await Promise.all(clients.map((client) => client.close(1000)));
  });

  it('remembers who was closed for being slow', async (t) => {
    const broker = await Broker.of(t, { args: ['--max-outbox', '128KiB', '--max-message', '64KiB', ...kPatient.reading] });
    const reader = connect(broker.port, '127.0.0.1');
    t.after(() => reader.destroy());
    reader.on('error', () => {});
    reader.write('GET /topics/slow HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
    await once(reader, 'data');
    reader.pause();
    const body = Buffer.alloc(60_000, 'x');
    const slow = await eventually(async () => {
      await publish(broker, 'slow', body);
      return (await api(broker, 'slow')).slow[0];
    }, 'somebody who was too slow', 60_000);
    assert.equal(slow.why, 'size');
    assert.equal(slow.kind, 'raw');
    assert.equal(slow.filter, 'slow');
    assert.equal(slow.address, `127.0.0.1:${reader.localPort}`);
    assert.ok(slow.pinned_bytes > 128 * 1024, `${slow.pinned_bytes}`);
    assert.ok(Math.abs(slow.closed_us / 1000 - Date.now()) < 60_000);
    assert.equal((await scrape(broker)).ringcast_closed_slow_total, 1);
    reader.destroy();
  });

  it('tells the configuration with its sources, and sets the level of the log', async (t) => {
    const broker = await Broker.of(t, { env: { RINGCAST_MAX_TOPICS: '77' } });
    const { options } = await api(broker, 'config');
    const source = (name) => options.filter((option) => option.name === name).map((option) => [option.value, option.source]);
    assert.deepEqual(source('shards'), [[`${kShards}`, '--shards']]);
    assert.deepEqual(source('max-topics'), [['77', 'RINGCAST_MAX_TOPICS']]);
    assert.deepEqual(source('max-producers'), [['100000', 'default']]);
    assert.deepEqual(await api(broker, 'log-level', { method: 'PUT', headers: kJson, body: '{"level": "debug"}' }), { level: 'debug' });
    assert.deepEqual(await api(broker, 'log-level'), { level: 'debug' });
    await broker.line(/level was changed by an operator/);
    assert.deepEqual(await api(broker, 'drain'), { stage: 'none', left_ms: 0 });
  });

  it('refuses pages of other origins and other names, unknown things by name, and outlives what it cannot read', async (t) => {
    const broker = await Broker.of(t);
    for (const [path, headers, status] of [
      ['/api/v1/stats', { Origin: 'https://evil.example' }, 403],
      ['/api/v1/stats', { Host: 'evil.example' }, 403],
      ['/metrics', { Host: 'evil.example' }, 403],
      ['/api/v1/topics?limt=5', {}, 400],
      ['/api/v2', {}, 404],
    ]) {
      const answer = await ask(broker, path, { headers });
      assert.equal(answer.status, status, path);
      assert.equal(JSON.parse(answer.body).status, status);
    }
    // More connections than there may be: those that are idle make room.
    const idle = Array.from({ length: 80 }, () => connect(broker.adminPort, '127.0.0.1').on('error', () => {}));
    await Promise.all(idle.map((socket) => once(socket, 'connect')));
    idle[79].write('\0\0\0 nonsense\r\n\r\n');
    for (let i = 0; i < 3; ++i) assert.equal((await ask(broker, '/livez')).status, 200);
    for (const socket of idle) socket.destroy();
  });

  it('is not ready while the broker drains', async (t) => {
    const broker = await Broker.start({ args: ['--drain-deadline', '1m'] });
    t.after(() => broker.kill('SIGKILL'));
    const client = connect(broker.port, '127.0.0.1').on('error', () => {}); // never answers the close frame
    client.write('GET /topics/a HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
    await once(client, 'data');
    broker.kill('SIGTERM');
    await broker.line(/draining/);
    const answer = await eventually(async () => {
      const now = await ask(broker, '/readyz').catch(() => undefined);
      return now?.status === 503 && now;
    }, 'not ready');
    assert.equal(JSON.parse(answer.body).error, 'draining');
    client.destroy();
    assert.equal((await broker.ended()).code, 0);
  });

  it('is what ringcast top shows, once where there is no terminal', async (t) => {
    const broker = await Broker.of(t);
    await publish(broker, 'top/topic', 'x');
    await eventually(async () => (await ask(broker, '/api/v1/stats')).status === 200, 'the first stats');
    const plain = await run(binary, ['top', '--admin-url', broker.adminUrl]);
    assert.equal(plain.code, 0, plain.lines.join('\n'));
    assert.match(plain.out, /^ringcast \S+ {2}ready {2}/);
    assert.match(plain.out, /top\/topic/);
    assert.ok(!plain.out.includes('\x1b'));
    const json = await run(binary, ['top', '--admin-url', broker.adminUrl, '--json']);
    assert.equal(JSON.parse(json.out).stats.shards.length, kShards);
    const lost = await run(binary, ['top', '--admin-url', 'http://127.0.0.1:1']);
    assert.equal(lost.code, 1);
    const wrong = await run(binary, ['top', '--admin-url', broker.url]);
    assert.equal(wrong.code, 1);
    assert.match(wrong.lines.join('\n'), /operators' port/);
  });
});
