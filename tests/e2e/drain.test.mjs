// How a broker that is told to end sees its clients off: all are told, what was acknowledged reaches them, and they come
// back when they were asked to; by a signal, and by `ringcast prestop` as in a pod.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connect } from '../../web/client/index.js';
import { Broker, kPatient, onEachBackend } from './broker.mjs';
import { Client, publish, request } from './client.mjs';
import { EventStream } from './event_stream.mjs';
import { Program, binary, eventually, run } from './program.mjs';
import { FullClient, fullUrl } from './protocol/client.mjs';

const kOfEach = 50; // clients: raw, json, proto, event streams
const kBefore = 300; // publishes that are acknowledged before the end begins; more go on until it refuses them

// Publishes without pause until it is refused, or its connection has gone; what was acknowledged.
async function publishUntilRefused(client, topic) {
  const acked = [];
  const inFlight = new Set();
  for (let i = 0; client.errors.length === 0 && !client.client.closed; ++i) {
    const text = `message ${i}`;
    const answer = client.publish(topic, text).then(
      () => acked.push(text),
      (error) => error.code === 'draining' && (client.refused = true),
    );
    const done = answer.finally(() => inFlight.delete(done));
    inFlight.add(done);
    if (inFlight.size >= 50) await Promise.race(inFlight);
    if (client.refused) break;
  }
  await Promise.all(inFlight);
  return acked;
}

const ask = (broker, path, method = 'GET') =>
  request(`${broker.adminUrl}${path}`, { method, headers: { 'X-Ringcast': '1' } }).then(({ status, body }) => ({ status, body: body.toString() }));

onEachBackend('the end', (io) => {
  it(`of a broker with ${4 * kOfEach} clients: all are told, and have heard what was acknowledged`, async () => {
    const broker = await Broker.start({ io, args: kPatient.reading });
    const all = (open) => Promise.all(Array.from({ length: kOfEach }, open));
    const raw = await all(() => Client.open(broker.topic('end/of/all')));
    const json = await all(() => FullClient.open(broker.topic('end/of/all'), { form: 'json' }));
    const proto = await all(() => FullClient.open(broker.topic('end/of/all'), { form: 'proto' }));
    const streams = await all(() => EventStream.open(broker, 'end/of/all'));
    const publisher = await FullClient.open(fullUrl(broker), { form: 'proto' });
    const publishing = publishUntilRefused(publisher, 'end/of/all');
    await raw[0].has(kBefore);
    broker.kill('SIGTERM');
    const acked = await publishing;
    assert.ok(acked.length >= kBefore);

    const hasAll = (heard, who) => {
      const set = new Set(heard);
      assert.equal(set.size, heard.length, `${who}: nothing twice`);
      assert.deepEqual(acked.filter((text) => !set.has(text)), [], `${who}: all that was acknowledged`);
    };
    for (const client of raw) {
      assert.deepEqual(await client.over(), { code: 1012, reason: 'the broker restarts' });
      hasAll(client.inbox, 'raw');
    }
    for (const client of [...json, ...proto, publisher]) {
      assert.equal((await client.client.over()).code, 1012);
      const told = client.events.filter(([name]) => name === 'go_away');
      assert.equal(told.length, 1);
      const [[, { text, deadline_ms, reconnect_after_ms = 0, reconnect_within_ms, resume }]] = told;
      assert.ok(text.length > 0);
      assert.deepEqual([deadline_ms, resume], [600_000, true], client.form.subprotocol);
      assert.ok(reconnect_after_ms <= 4 * kOfEach && reconnect_within_ms === 500);
      if (client === publisher) continue;
      assert.equal(client.events.at(-1)[0], 'go_away', 'the last word');
      hasAll(client.messages.map((message) => Buffer.from(message.text ?? message.payload).toString()), 'full');
    }
    for (const stream of streams) {
      assert.equal(await stream.end(), 'FIN');
      assert.ok(stream.ended);
      assert.ok(stream.retry_ms >= 1000 && stream.retry_ms <= 1000 + 4 * kOfEach + 500);
      const events = stream.events;
      assert.equal(events.at(-1).event, 'go_away');
      hasAll(events.slice(0, -1).map(({ data }) => data), 'event stream');
    }
    assert.ok(new Set(streams.map((stream) => stream.retry_ms)).size > 1, 'not all at the same time');
    await broker.stop();
    assert.match(broker.lines.join('\n'), /closing 201 connections over 100 ms/);
  });
});

describe('clients of a broker that is replaced', () => {
  it('come back to its successor on the same port, and publish each message once', async (t) => {
    const first = await Broker.startOnOwnPort({ args: ['--drain-deadline', '5m'] });
    const listener = new Program(binary, ['sub', '--url', first.url, 'next/#', '--last']);
    t.after(() => listener.kill('SIGKILL'));
    const rc = connect(first.url, { reconnect: { minMs: 1, firstMs: 20, maxMs: 50 } });
    t.after(() => rc.close());
    const heard = [];
    rc.subscribe('next/#', ({ data, epoch }) => heard.push([data, epoch]));
    await rc.publish('next/a', 'first');
    await listener.output(/first\n/);
    await eventually(() => heard.length === 1, 'the first');
    first.kill('SIGTERM');
    await first.line(/closing 2 connections/);
    // Nobody accepts on the port any more, though some are still connected: another broker may take it.
    const second = await Broker.of(t, { port: first.port });
    await first.stop();
    const results = await Promise.all(Array.from({ length: 20 }, (_, i) => rc.publish('next/a', `after ${i}`)));
    assert.deepEqual(results.map(({ seq, maybeTwice }) => [seq, maybeTwice]), Array.from({ length: 20 }, (_, i) => [i + 1, false]));
    await eventually(() => heard.length === 21, () => `${heard}`);
    await listener.output(/after 19\n/);
    await listener.line(/trying again/);
    assert.equal((await request(`${second.url}/topics/next/a`)).body.toString(), 'after 19');
    listener.kill('SIGINT');
    await listener.ended();
  });
});

describe('ringcast prestop', () => {
  it('makes the broker not ready at once, which serves on; what the runtime sends then hurries nobody, a second signal does', async () => {
    const broker = await Broker.start({ args: ['--lame-duck', '1h', '--drain-deadline', '1h'] });
    const health = (...args) => run(binary, ['healthcheck', '--admin-url', broker.adminUrl, ...args]);
    const state = async () => JSON.parse((await ask(broker, '/api/v1/drain')).body);
    assert.deepEqual([(await health()).out, (await health('--ready')).out], ['alive\n', 'ready\n']);
    assert.deepEqual(await state(), { stage: 'none', left_ms: 0 });
    const client = await Client.open(broker.topic('duck/topic'));

    const prestop = new Program(binary, ['prestop', '--admin-url', broker.adminUrl]);
    await broker.line(/an operator's request: draining; not ready, serving on for 3600000 ms/);
    const ready = await ask(broker, '/readyz');
    assert.deepEqual([ready.status, JSON.parse(ready.body).error], [503, 'draining']);
    const unready = await health('--ready');
    assert.equal(unready.code, 1);
    assert.match(unready.lines.join('\n'), /^ringcast: the operators' port answered 503 to \/readyz: the broker restarts$/);
    assert.equal((await health()).code, 0);
    // It accepts, and publishes.
    const late = await Client.open(broker.topic('duck/topic'));
    await publish(broker, 'duck/topic', 'quack');
    for (const each of [client, late]) assert.equal(await each.next(), 'quack');

    broker.kill('SIGTERM');
    await broker.line(/signal 15: draining already/);
    const { stage, left_ms } = await state();
    assert.equal(stage, 'lame_duck');
    assert.ok(left_ms > 0);
    assert.equal((await ask(broker, '/api/v1/drain', 'POST')).status, 202);
    assert.equal(prestop.exit, undefined);
    await publish(broker, 'duck/topic', 'still here');
    broker.kill('SIGTERM');
    for (const each of [client, late]) {
      assert.equal(await each.next(), 'still here');
      assert.equal((await each.over()).code, 1012);
    }
    await broker.ended();
    await broker.stop();
    assert.equal((await prestop.ended()).code, 0, prestop.lines.join('\n'));
    assert.match(prestop.out, /^drain(ing|ed): it was not ready, and served on, for \d+ ms\n$/);
  });

  it('ends when the lame-duck time is over; and says why it or healthcheck fails', async () => {
    const broker = await Broker.start({ args: ['--lame-duck', '50ms'] });
    const { code, out } = await run(binary, ['prestop', '--admin-url', broker.adminUrl]);
    assert.deepEqual([code, out], [0, out]);
    await broker.stop();
    for (const command of ['prestop', 'healthcheck']) {
      const failed = await run(binary, [command, '--admin-url', broker.adminUrl, '--timeout', '20s']);
      assert.equal(failed.code, 1);
      assert.match(failed.lines.join('\n'), /^ringcast: .*127\.0\.0\.1/);
      assert.equal((await run(binary, [command, '--admin-url', 'nonsense'])).code, 2);
    }
    const other = await Broker.start();
    const wrong = await run(binary, ['prestop', '--admin-url', other.url]);
    assert.equal(wrong.code, 1);
    assert.match(wrong.lines.join('\n'), /answered 404 .*is that the operators' port/);
    await other.stop();
  });
});
