// What one address and one subject may use of the broker: who goes beyond it is told so, others are not disturbed.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Broker } from './broker.mjs';
import { Client, closeAll, request } from './client.mjs';
import { eventually } from './program.mjs';

// Each test has a broker of its own: what one has used up would be missing in the next.
async function withBroker(args, use) {
  const broker = await Broker.start({ shards: 2, args });
  try {
    await use(broker);
  } finally {
    await closeAll();
    await broker.stop();
  }
}

function assertRefused(refusal, name) {
  assert.equal(refusal.status, 429);
  assert.equal(refusal.headers['content-type'], 'application/json');
  assert.ok(Number(refusal.headers['retry-after']) >= 1, 'Retry-After');
  assert.equal(JSON.parse(refusal.body).error, name);
}

const figure = async (broker, name) => {
  const text = (await request(`${broker.adminUrl}/metrics`)).body.toString();
  return [...text.matchAll(new RegExp(`^ringcast_${name}_total\\{[^}]*\\} (\\d+)`, 'gm'))].reduce((sum, [, value]) => sum + Number(value), 0);
};

test('an address has as many connections as it may, and another when one of them has gone', () =>
  withBroker(['--address-max-connections', '2'], async (broker) => {
    const url = broker.topic('a');
    const two = [await Client.open(url), await Client.open(url)];
    assertRefused(await new Client(url).refused(), 'too_many_connections');
    // Nobody gave this broker a proxy to believe.
    const liar = await new Client(url, { headers: { 'X-Forwarded-For': '192.0.2.9' } }).refused();
    assertRefused(liar, 'too_many_connections');
    assertRefused(await request(`${broker.url}/topics/a`), 'too_many_connections');
    for (const client of two) await client.roundTrip();
    await two[0].close();
    await eventually(async () => (await new Client(url).opened().catch(() => null)) !== null, 'room for another');
    assert.ok((await figure(broker, 'limited_connections')) >= 3);
  }));

test('an address begins as many connections a second as it may', () =>
  withBroker(['--address-max-accepts', '1'], async (broker) => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => request(`${broker.url}/topics/a`)));
    const refused = answers.filter(({ status }) => status === 429);
    assert.ok(answers.some(({ status }) => status === 404), 'the first is served');
    assert.ok(refused.length > 0);
    for (const answer of refused) assertRefused(answer, 'too_fast');
    await eventually(async () => (await request(`${broker.url}/topics/a`)).status === 404, 'served again');
  }));

test('an address publishes as much as it may: POST is refused, a WebSocket is slowed down and loses nothing', () =>
  withBroker(['--address-max-messages', '40'], async (broker) => {
    const client = await Client.open(broker.topic('raw'));
    for (let i = 0; i < 80; ++i) client.send(`${i}`);
    await client.has(80);
    assert.deepEqual(client.inbox, Array.from({ length: 80 }, (_, i) => `${i}`));
    assert.ok((await figure(broker, 'throttled')) >= 1);
    const post = () => request(`${broker.url}/topics/post`, { method: 'POST', body: '1' });
    let refused;
    await eventually(async () => {
      const answers = await Promise.all(Array.from({ length: 60 }, post));
      refused = answers.find(({ status }) => status !== 200);
      return refused !== undefined;
    }, 'a refusal');
    assertRefused(refused, 'too_fast');
    await eventually(async () => (await post()).status === 200, 'published again');
  }));

test('behind a trusted proxy each address has its own share', () =>
  withBroker(['--address-max-connections', '1', '--trusted-proxy', '127.0.0.0/8'], async (broker) => {
    const from = (text) => new Client(broker.topic('a'), { headers: { 'X-Forwarded-For': text } });
    const one = await from('192.0.2.1').opened();
    assertRefused(await from('192.0.2.1').refused(), 'too_many_connections');
    assertRefused(await from('192.0.2.77, 192.0.2.1').refused(), 'too_many_connections');
    const two = await from('192.0.2.1, 192.0.2.2').opened();
    const lines = [await from('2001:db8:0:1::1').opened(), await from('2001:db8:0:2::1').opened()];
    assertRefused(await from('2001:db8:0:1::2').refused(), 'too_many_connections');
    // The proxy's own, as its health checks.
    await Promise.all([new Client(broker.topic('a')).opened(), new Client(broker.topic('a')).opened()]);
    for (const client of [one, two, ...lines]) await client.roundTrip();
  }));

describe('a subject', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ringcast-limits-'));
  const secret = 'a secret that only the issuer and the broker know';
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = (sub, more = {}) => {
    const claims = { sub, exp: Math.floor(Date.now() / 1000) + 600, ringcast: { publish: ['#'], subscribe: ['#'] }, ...more };
    const text = `${part({ alg: 'HS256' })}.${part(claims)}`;
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  };
  const bearer = (given) => ({ headers: { Authorization: `Bearer ${given}` } });
  before(() => writeFileSync(join(folder, 'secret'), secret));
  after(() => rmSync(folder, { recursive: true }));

  test('has as many connections as it may, whatever its tokens are and however it brings them', () =>
    withBroker(['--token-key', join(folder, 'secret'), '--subject-max-connections', '1'], async (broker) => {
      const ann = await Client.open(broker.topic('a'), bearer(token('ann')));
      assertRefused(await new Client(broker.topic('a'), bearer(token('ann', { jti: '2' }))).refused(), 'too_many_connections');
      const stream = await request(`${broker.url}/topics/a`, { headers: { Accept: 'text/event-stream', ...bearer(token('ann')).headers } });
      assertRefused(stream, 'too_many_connections');
      const late = await Client.open(`ws://127.0.0.1:${broker.port}/ws`, { protocols: ['ringcast.v1.json'] });
      late.send(JSON.stringify({ hello: { id: 1, token: token('ann') } }));
      assert.equal((await late.over()).code, 1013);
      const bob = await Client.open(broker.topic('a'), bearer(token('bob')));
      await ann.roundTrip();
      await bob.roundTrip();
    }));

  test('publishes as many bytes as it may, over all its connections', () =>
    withBroker(['--token-key', join(folder, 'secret'), '--subject-max-bytes', '1'], async (broker) => {
      const post = (sub) => request(`${broker.url}/topics/a`, { method: 'POST', body: 'x'.repeat(30), ...bearer(token(sub)) });
      assert.equal((await post('ann')).status, 200);
      assertRefused(await post('ann'), 'too_fast'); // for 29 seconds
      assert.equal((await post('bob')).status, 200);
    }));
});
