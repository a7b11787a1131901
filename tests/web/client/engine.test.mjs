// The engine against a broker that the test plays: connecting, and coming back.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connected, kUnit, publication, start } from './engine_scene.mjs';
import { settled } from './fakes.mjs';

describe('connecting', () => {
  it('offers the subprotocol and the token, and says hello first', async () => {
    const { socket, host } = await connected({ token: 'a.b', name: 'me/1' });
    assert.deepEqual([socket.url, socket.protocols], ['ws://h/ws', ['ringcast.v1.json', 'ringcast.token.a.b']]);
    assert.deepEqual(socket.requests[0], ['hello', { id: 1, client: 'me/1', features: ['checkpoints'] }]);
    assert.deepEqual([host.states, host.tokens], [['connecting', 'connected'], ['connect']]);
  });

  it('waits longer each time it fails, at random and never without delay', async () => {
    const scene = await start(kUnit);
    const delays = [];
    for (let i = 0; i < 4; ++i) {
      scene.socket.end(1006);
      delays.push(scene.clock.next);
      await scene.clock.advance(scene.clock.next);
    }
    // 1006 is one to back off from: the limit doubles before and after.
    assert.deepEqual(delays, [2000, 4000, 4000, 4000].map((limit) => 100 + 0.5 * (limit - 100)));
    assert.equal(scene.sockets.length, 5);
  });

  it('an error before it is open is its end, later its close code is', async () => {
    const scene = await start();
    scene.socket.onerror();
    scene.socket.end(1006); // as browsers do, and Node does not
    assert.deepEqual(scene.host.states, ['connecting', 'waiting']);
    await scene.clock.advance(scene.clock.next);
    scene.socket.open({});
    scene.socket.onerror();
    assert.equal(scene.host.states.at(-1), 'connected');
    scene.socket.end(1009);
    assert.equal(scene.host.states.at(-1), 'closed');
  });

  it('forgets earlier failures when a connection has held', async () => {
    const scene = await start({ reconnect: { ...kUnit.reconnect, stableMs: 5000 } });
    for (const heldMs of [4999, 5000]) {
      scene.socket.open({});
      await scene.clock.advance(heldMs);
      scene.socket.end(1012);
      assert.equal(scene.clock.next, 100 + 0.5 * 900);
      if (heldMs === 5000) break;
      await scene.clock.advance(scene.clock.next);
      scene.socket.end(1012);
      assert.equal(scene.clock.next, 100 + 0.5 * 1900, 'it had not held');
      await scene.clock.advance(scene.clock.next);
    }
  });

  it('does what the close code says', async () => {
    for (const [code, state, nextMs] of [[1012, 'waiting', 550], [1001, 'waiting', 550], [4008, 'waiting', 550], [1005, 'waiting', 550],
      [1013, 'waiting', 1050], [1011, 'waiting', 1050], [4999, 'waiting', 1050], [1000, 'closed'], [1008, 'closed'], [1009, 'closed'],
      [4401, 'closed'], [4402, 'closed'], [4403, 'closed'], [4409, 'closed']]) {
      const { socket, host, clock } = await connected(kUnit);
      socket.end(code, 'why');
      assert.equal(host.states.at(-1), state, `${code}`);
      assert.equal(clock.next, nextMs, `${code}`);
      const [{ error }] = host.of('state').at(-1);
      assert.deepEqual([error.closeCode, error.message], [code, `closed with ${code}: why`]);
    }
  });

  it('gets a new token when the old one has expired, if there is a function to ask', async () => {
    const { socket, host, clock } = await connected({ canRenewToken: true });
    socket.end(4401);
    await clock.advance(1000);
    assert.deepEqual(host.tokens, ['connect', 'expired']);
    const failing = await start({ canRenewToken: true });
    failing.host.token = async () => { throw new Error('no'); };
    failing.socket.end(1006);
    await failing.clock.advance(2000);
    assert.equal(failing.host.states.at(-1), 'waiting', 'it is asked again');
  });

  it('tries anew when an answer takes too long, and takes nothing of the old one', async () => {
    const scene = await start({ openTimeoutMs: 1000 });
    const first = scene.socket;
    await scene.clock.advance(1000);
    assert.equal(first.closedWith, 1000);
    first.open({});
    assert.deepEqual(scene.host.states, ['connecting', 'waiting']);
    await scene.clock.advance(500);
    assert.equal(scene.sockets.length, 2);
  });

  it('gives up after so many tries in a row', async () => {
    const scene = await start({ reconnect: { attemptsMax: 2 } });
    scene.socket.end(1006);
    await scene.clock.advance(10_000);
    scene.socket.end(1006);
    assert.deepEqual(scene.host.states, ['connecting', 'waiting', 'connecting', 'closed']);
    assert.equal(scene.clock.next, undefined);
  });

  it('hurries when the network is back, and doubts the connection it has', async () => {
    const scene = await start({ reconnect: { minMs: 50, firstMs: 60_000, maxMs: 60_000 } });
    scene.socket.end(1006);
    scene.engine.hurry();
    assert.equal(scene.clock.next, 250);
    await scene.clock.advance(250);
    scene.socket.open({});
    scene.engine.hurry();
    const [name, { id }] = scene.socket.requests.at(-1);
    assert.equal(name, 'unsubscribe');
    scene.socket.say({ error: { id, code: 'unknown_subscription' } });
    await scene.clock.advance(20_000);
    assert.equal(scene.host.states.at(-1), 'connected');
    assert.deepEqual(scene.host.of('failed'), []);
  });

  it('a broker that has fallen silent is left', async () => {
    const { clock, host, socket } = await connected({ liveness: { silenceMs: 1000, answerMs: 500 } });
    await clock.advance(1499);
    assert.equal(host.states.at(-1), 'connected');
    await clock.advance(1);
    assert.deepEqual([host.states.at(-1), socket.closedWith], ['waiting', 1000]);
  });

  it('a broker that drains is listened to until it closes, or until it is late', async () => {
    for (const late of [false, true]) {
      const { clock, host, socket, engine } = await connected(kUnit);
      engine.subscribe(1, 't', {});
      socket.say({ subscribed: { id: 2, filter: 't' } });
      socket.say({ go_away: { text: 'restart', deadline_ms: 1000 } });
      engine.publish(1, publication('held'));
      await settled();
      socket.say({ message: { topic: 't', seq: 1, text: 'x' } });
      assert.deepEqual([host.states.at(-1), socket.publishes.length, host.of('message').length], ['draining', 0, 1]);
      if (late) await clock.advance(3000);
      else socket.end(1012);
      assert.equal(host.states.at(-1), 'waiting');
    }
  });

  it('comes back when a broker that goes away has asked it to, at random, and not for being hurried', async () => {
    for (const [heldMs, nextMs] of [[0, 3000], [2000, 1000], [2500, 550]]) {
      const { clock, socket, engine } = await connected(kUnit); // which draws 0.5
      socket.say({ go_away: { deadline_ms: 5000, reconnect_after_ms: 2000, reconnect_within_ms: 2000 } });
      await clock.advance(heldMs);
      socket.end(1012);
      assert.equal(clock.next, nextMs, `closed after ${heldMs} ms`);
      engine.hurry();
      assert.equal(clock.next, Math.max(250, 3000 - heldMs));
    }
  });

  it('closes when what was published is answered, or when that takes too long', async () => {
    const quiet = await connected();
    quiet.engine.close(1000);
    assert.deepEqual([quiet.host.states.at(-1), quiet.socket.closedWith], ['closed', 1000]);
    for (const answered of [true, false]) {
      const { engine, socket, host, clock } = await connected();
      engine.publish(7, publication('x'));
      await settled();
      engine.close(1000);
      assert.equal(host.states.at(-1), 'connected');
      if (answered) socket.say({ ack: { id: 2, seq: 1 } });
      else await clock.advance(1000);
      assert.equal(host.states.at(-1), 'closed');
      const [ref, result, error] = host.of('answered')[0];
      assert.deepEqual([ref, result?.status, error?.code], [7, answered ? 'sequenced' : undefined, answered ? undefined : 'unknown']);
      engine.publish(8, publication('late'));
      assert.equal(host.of('answered')[1][2].code, 'not_sent');
    }
  });
});
