// The engine against a broker that the test plays: publishing once.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connected, publication } from './engine_scene.mjs';
import { settled } from './fakes.mjs';

describe('publishing', () => {
  it('what is published in one turn leaves in one message, in order', async () => {
    const { engine, socket, host } = await connected();
    const before = socket.messages;
    for (let ref = 1; ref <= 100; ++ref) engine.publish(ref, publication(`${ref}`));
    await settled();
    assert.equal(socket.messages, before + 1);
    assert.deepEqual(socket.publishes.map(({ text, producer_seq }) => [text, producer_seq]), Array.from({ length: 100 }, (_, i) => [`${i + 1}`, i + 1]));
    const ids = socket.publishes.map(({ id }) => id);
    assert.ok(ids.every((id, i) => i === 0 || id > ids[i - 1]));
    socket.say({ ack: { id: ids[1], seq: 9, origin: 1, position: 5, time_us: 6 } });
    assert.deepEqual(host.of('answered'), [[2, {
      status: 'sequenced', seq: 9, epoch: 'e1', origin: 1, position: 5, timeUs: 6, maybeTwice: false, epochChanged: false,
    }, undefined]]);
  });

  it('keeps to the limits of batches and messages', async () => {
    const { engine, socket, host } = await connected({}, { limits: { batch_messages: 10, message_bytes: 1000 } });
    for (let ref = 1; ref <= 25; ++ref) engine.publish(ref, publication('x'));
    await settled();
    assert.deepEqual(socket.requests.slice(1).map(([, { messages }]) => messages.length), [10, 10, 5]);
    const before = socket.messages;
    for (let ref = 26; ref <= 29; ++ref) engine.publish(ref, publication('x'.repeat(400)));
    engine.publish(30, publication('x'.repeat(2000)));
    await settled();
    assert.equal(socket.messages, before + 2);
    assert.deepEqual(host.of('answered').map(([ref, , error]) => [ref, error.code]), [[30, 'too_large']]);
  });

  it('what the broker may find wrong goes by itself, between the others', async () => {
    const { engine, socket } = await connected();
    for (const text of ['a', 'b']) engine.publish(1, publication(text));
    engine.publish(2, publication('alone', { alone: true }));
    engine.publish(3, publication('c'));
    await settled();
    assert.deepEqual(socket.requests.slice(1).map(([name]) => name), ['publish_batch', 'publish', 'publish']);
  });

  it('sends again what has no answer, with the same numbers, and tells what may be there twice', async () => {
    for (const [welcome, maybeTwice, epochChanged] of [
      [{ producer_resumed: true }, false, false], [{}, true, false], [{ epoch: 'e2' }, true, true],
    ]) {
      const scene = await connected();
      for (let ref = 1; ref <= 3; ++ref) scene.engine.publish(ref, publication(`${ref}`));
      await settled();
      scene.socket.say({ ack: { id: scene.socket.publishes[1].id, seq: 1 } });
      scene.socket.end(1006);
      scene.engine.publish(4, publication('4'));
      await scene.clock.advance(1000);
      scene.socket.open(welcome);
      assert.equal(scene.socket.requests[0][1].producer_id, 'p1');
      assert.deepEqual(scene.socket.publishes.map(({ text, producer_seq }) => [text, producer_seq]), [['1', 1], ['3', 3], ['4', 4]]);
      for (const { id } of scene.socket.publishes) scene.socket.say({ ack: { id, duplicate: true } });
      const last = scene.host.of('answered').slice(1).map(([ref, result]) => [ref, result.status, result.maybeTwice, result.epochChanged]);
      assert.deepEqual(last, [[1, 'duplicate', maybeTwice, epochChanged], [3, 'duplicate', maybeTwice, epochChanged], [4, 'duplicate', false, false]]);
    }
  });

  it('a refusal is that publish’s; one of a whole batch is all of its', async () => {
    const { engine, socket, host } = await connected();
    for (let ref = 1; ref <= 3; ++ref) engine.publish(ref, publication(`${ref}`));
    await settled();
    const [first, , third] = socket.publishes.map(({ id }) => id);
    socket.say({ error: { id: first, code: 'forbidden', text: 'no', field: 'publish.topic' } });
    assert.deepEqual(host.of('answered').map(([ref, , { code, field }]) => [ref, code, field]), [[1, 'forbidden', 'publish.topic']]);
    socket.say({ error: { id: third, code: 'bad_value', text: 'no', field: 'publish_batch.messages[2].json' } });
    assert.deepEqual(host.of('answered').slice(1).map(([ref, , { code }]) => [ref, code]), [[2, 'bad_value'], [3, 'bad_value']]);
  });

  it('what a draining broker refused goes first on the next connection', async () => {
    const scene = await connected();
    for (let ref = 1; ref <= 2; ++ref) scene.engine.publish(ref, publication(`${ref}`));
    await settled();
    const [{ id }] = scene.socket.publishes;
    scene.socket.say({ error: { id, code: 'draining', text: '' } });
    assert.equal(scene.host.states.at(-1), 'draining');
    scene.socket.end(1012);
    await scene.clock.advance(1000);
    scene.socket.open({ producer_resumed: true });
    assert.deepEqual(scene.socket.publishes.map(({ text }) => text), ['1', '2']);
    assert.deepEqual(scene.host.of('answered'), []);
  });

  it('does not send further than 1,024 numbers ahead, and goes on as answers come', async () => {
    const { engine, socket } = await connected();
    for (let ref = 1; ref <= 1500; ++ref) engine.publish(ref, publication('x'));
    await settled();
    assert.equal(socket.publishes.length, 1024);
    for (const { id } of socket.publishes.slice(0, 100)) socket.say({ ack: { id } });
    await settled();
    assert.equal(socket.publishes.length, 1124);
    assert.equal(socket.requests.length, 3, 'the hundred in one message, too');
  });
});
