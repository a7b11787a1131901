// The engine against a broker that the test plays: connecting, coming back, publishing once, going on where it was.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Engine } from '../../../web/client/engine.js';
import { Clock, Host, fakeWebSocket, settled } from './fakes.mjs';

// An engine whose delays are half of what they could be.
async function start({ token, ...options } = {}) {
  const clock = new Clock();
  const host = new Host(token);
  const WebSocket = fakeWebSocket();
  const env = { ...clock.env, WebSocket, random: () => 0.5 };
  const engine = new Engine({ url: 'ws://h/ws', ...options }, host, env);
  engine.start();
  await settled();
  return { clock, host, engine, sockets: WebSocket.sockets, get socket() { return WebSocket.sockets.at(-1); } };
}

async function connected(options, welcome) {
  const scene = await start(options);
  scene.socket.open(welcome ?? {});
  return scene;
}

const publication = (text, more = {}) => ({ topic: 't', op: 'set', format: 'text', payload: text, bytes: text.length, alone: false, ...more });
const kUnit = { reconnect: { minMs: 100, firstMs: 1000, maxMs: 4000 } };

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

describe('subscribing', () => {
  const told = (host) => host.of('told').map(([ref, kind]) => `${ref} ${kind}`);
  const heard = (host) => host.of('message').map(([ref, { topic, seq }, resumable]) => `${ref} ${topic} ${seq}${resumable ? ' counts' : ''}`);
  const idOf = (socket, filter) => socket.requests.findLast(([name, members]) => name === 'subscribe' && members.filter === filter)[1].id;
  const live = (topic, seq, position = seq, origin = 0) => ({ message: { topic, seq, position, origin, text: '' } });

  it('gives each what matches and is live, and openings to whom they are for', async () => {
    const { engine, socket, host } = await connected();
    engine.subscribe(1, 'a/#', {});
    engine.subscribe(2, 'a/+', { start: 'last_values' });
    engine.subscribe(3, 'b', {});
    socket.say({ subscribed: { id: idOf(socket, 'a/#') } });
    socket.say(live('a/x', 1));
    socket.say({ subscribed: { id: idOf(socket, 'a/+') } });
    socket.say({ message: { topic: 'a/x', seq: 1, text: '', mark: 'snapshot', subscription: idOf(socket, 'a/+') } });
    socket.say({ snapshot_end: { subscription: idOf(socket, 'a/+') } });
    socket.say(live('a/x', 2));
    engine.unsubscribe(1);
    socket.say(live('a/x', 3));
    socket.say(live('b', 1));
    assert.deepEqual(heard(host), ['1 a/x 1', '2 a/x 1', '1 a/x 2', '2 a/x 2', '2 a/x 3']);
    assert.deepEqual(told(host), ['1 subscribed', '2 subscribed', '2 begun']);
  });

  // A subscription that is live and has a token.
  async function resumable(options = {}, filter = 't/#') {
    const scene = await connected();
    scene.engine.subscribe(1, filter, options);
    scene.socket.say({ subscribed: { id: 2 } });
    scene.socket.say({ checkpoint: { epoch: 'e1', token: 'T' } });
    return scene;
  }
  async function comeBack(scene, welcome = {}) {
    scene.socket.end(1006);
    await scene.clock.advance(scene.clock.next);
    scene.socket.open(welcome);
    const [, request] = scene.socket.requests.find(([name]) => name === 'subscribe');
    return request;
  }

  it('goes on after the token and what came since, and says what came of it', async () => {
    for (const outcome of ['recovered', 'conflated', 'gap']) {
      const scene = await resumable({ start: 'last_n', last_count: 3, on_lag: 'skip' });
      scene.socket.say(live('t/a', 1, 10));
      scene.socket.say(live('t/b', 1, 12));
      scene.socket.say(live('t/c', 1, 3, 2));
      const request = await comeBack(scene);
      assert.deepEqual(request, {
        id: 2, filter: 't/#', on_lag: 'skip', start: 'resume', resume_token: 'T', received: [{ origin: 0, position: 12 }, { origin: 2, position: 3 }],
      });
      scene.socket.say({ subscribed: { id: 2 } });
      scene.socket.say({ message: { topic: 't/a', seq: 2, position: 13, text: '', mark: 'replay', subscription: 2 } });
      scene.socket.say({ snapshot_end: { subscription: 2, resumed: outcome } });
      assert.deepEqual(told(scene.host).slice(2), ['1 subscribed', `1 ${outcome}`, '1 begun']);
      assert.deepEqual(heard(scene.host), ['1 t/a 1 counts', '1 t/b 1 counts', '1 t/c 1 counts', '1 t/a 2']);
    }
  });

  it('what an opening that broke off has told is not told again', async () => {
    const scene = await resumable();
    const replayed = (seq) => scene.socket.say({ message: { topic: 't/a', seq, position: seq, text: '', mark: 'replay', subscription: 2 } });
    await comeBack(scene);
    scene.socket.say({ subscribed: { id: 2 } });
    replayed(1);
    replayed(2);
    await comeBack(scene, {});
    scene.socket.say({ subscribed: { id: 2 } });
    for (const seq of [1, 2, 3]) replayed(seq);
    scene.socket.say({ snapshot_end: { subscription: 2, resumed: 'recovered' } });
    assert.deepEqual(heard(scene.host), ['1 t/a 1', '1 t/a 2', '1 t/a 3']);
    assert.deepEqual(told(scene.host).filter((each) => each.includes('recovered')), ['1 recovered']);
  });

  it('of latest asks without positions, and drops what it told by topic', async () => {
    const scene = await resumable({ delivery: 'latest', max_rate_hz: 5 });
    scene.socket.say(live('t/a', 7, 70));
    const request = await comeBack(scene);
    assert.deepEqual(request, { id: 2, filter: 't/#', delivery: 'latest', max_rate_hz: 5, start: 'resume', resume_token: 'T' });
    scene.socket.say({ subscribed: { id: 2 } });
    scene.socket.say({ message: { topic: 't/a', seq: 7, text: '', mark: 'snapshot', subscription: 2 } });
    scene.socket.say(live('t/a', 8, 80));
    assert.deepEqual(heard(scene.host), ['1 t/a 7', '1 t/a 8']);
  });

  it('a restarted broker is a gap before it is live again, told once', async () => {
    const scene = await resumable({}, 't');
    scene.socket.say({ message: { topic: 't', seq: 9, position: 10, time_us: 77, text: '' } });
    await comeBack(scene, { epoch: 'e2' });
    scene.socket.say({ subscribed: { id: 2 } });
    scene.socket.say({ message: { topic: 't', seq: 1, position: 1, text: '', mark: 'replay', subscription: 2 } });
    scene.socket.say({ snapshot_end: { subscription: 2, resumed: 'gap' } });
    const [, , detail] = scene.host.of('told').find(([, kind]) => kind === 'gap');
    assert.deepEqual(detail, { epoch: 'e2', lastEpoch: 'e1', lastSeq: 9, lastTimeUs: 77 });
    assert.deepEqual(told(scene.host).slice(2), ['1 gap', '1 subscribed', '1 begun']);
    assert.deepEqual(heard(scene.host), ['1 t 9 counts', '1 t 1']);
  });

  it('a gap in what it asked for at first is told: history overtook it, or did not reach back', async () => {
    for (const options of [{ start: 'last_n', last_count: 4 }, { start: 'since_time', since_us: 5 }]) {
      const scene = await connected();
      scene.engine.subscribe(1, 't', options);
      scene.socket.say({ subscribed: { id: 2 } });
      scene.socket.say({ message: { topic: 't', seq: 3, text: '', mark: 'replay', subscription: 2 } });
      scene.socket.say({ snapshot_end: { subscription: 2, resumed: 'gap' } });
      assert.deepEqual(told(scene.host), ['1 subscribed', '1 gap', '1 begun']);
      const [, , { epoch, lastEpoch }] = scene.host.of('told')[1];
      assert.equal(lastEpoch, epoch);
    }
  });

  it('without a token it is a gap, and begins as its options say', async () => {
    const scene = await connected();
    scene.engine.subscribe(1, 't', { start: 'last_values' });
    scene.socket.say({ subscribed: { id: 2 } });
    assert.equal((await comeBack(scene)).start, 'last_values');
    assert.deepEqual(told(scene.host), ['1 subscribed', '1 gap']);
  });

  it('a token that the broker does not take is a gap, too; one that the program brought is refused', async () => {
    const refuse = (scene) => scene.socket.say({ error: { id: 2, code: 'bad_value', text: 'no', field: 'subscribe.resume_token' } });
    const scene = await resumable();
    await comeBack(scene);
    refuse(scene);
    assert.deepEqual(scene.socket.requests.at(-1), ['subscribe', { id: 3, filter: 't/#' }]);
    assert.deepEqual(told(scene.host).slice(2), ['1 gap']);
    const own = await connected();
    own.engine.subscribe(1, 't', {}, { epoch: 'e1', token: 'X', received: { 3: 4 } });
    assert.deepEqual(own.socket.requests.at(-1)[1].received, [{ origin: 3, position: 4 }]);
    refuse(own);
    assert.deepEqual(told(own.host), ['1 refused']);
  });

  it('lag is told to those of every, and what comes meanwhile does not count', async () => {
    const scene = await resumable();
    scene.engine.subscribe(2, 't/+', { delivery: 'latest' });
    scene.socket.say({ subscribed: { id: 3 } });
    scene.socket.say({ lag: { merged: 6, ranges: [{ topic: 't/a', first_seq: 2, last_seq: 7 }] } });
    scene.socket.say(live('t/a', 8, 80));
    scene.socket.say({ lag: { merged: 1, caught_up: true, more_ranges: true } });
    scene.socket.say(live('t/a', 9, 90));
    assert.deepEqual(scene.host.of('told').filter(([, kind]) => kind === 'lag'), [
      [1, 'lag', { merged: 6, skipped: 0, caughtUp: false, moreRanges: false, ranges: [{ topic: 't/a', firstSeq: 2, lastSeq: 7 }] }],
      [1, 'lag', { merged: 1, skipped: 0, caughtUp: true, moreRanges: true, ranges: [] }],
    ]);
    assert.deepEqual(heard(scene.host), ['1 t/a 8', '2 t/a 8', '1 t/a 9 counts', '2 t/a 9']);
  });

  it('a change is asked for, answered, and kept over a reconnect', async () => {
    const scene = await resumable({ delivery: 'latest', max_rate_hz: 5 });
    scene.engine.change(1, { delivery: 'latest', max_rate_hz: 1 }, 50);
    const [name, members] = scene.socket.requests.at(-1);
    assert.deepEqual([name, members], ['change', { id: 3, subscription: 2, delivery: 'latest', max_rate_hz: 1 }]);
    scene.socket.say({ changed: { id: 3, subscription: 2 } });
    scene.engine.change(1, { delivery: 'latest', max_rate_hz: 9999 }, 51);
    scene.socket.say({ error: { id: 4, code: 'bad_value', text: 'no' } });
    scene.engine.change(1, { delivery: 'latest', max_rate_hz: 2 }, 52);
    assert.equal((await comeBack(scene)).max_rate_hz, 2, 'asked for, and so it begins');
    assert.deepEqual(scene.host.of('changed').map(([ref, error]) => [ref, error?.code]), [[50, undefined], [51, 'bad_value'], [52, undefined]]);
  });

  it('one that is paused hears nothing, and goes on where it was', async () => {
    const scene = await resumable();
    scene.socket.say(live('t/a', 1, 10));
    scene.engine.pause(1);
    assert.equal(scene.socket.requests.at(-1)[0], 'unsubscribe');
    scene.socket.say(live('t/a', 2, 11));
    scene.engine.proceed(1);
    const [, { id, received, resume_token }] = scene.socket.requests.at(-1);
    assert.deepEqual([received, resume_token], [[{ origin: 0, position: 10 }], 'T']);
    scene.socket.say({ subscribed: { id } });
    scene.socket.say({ message: { topic: 't/a', seq: 2, position: 11, text: '', mark: 'replay', subscription: id } });
    scene.socket.say({ snapshot_end: { subscription: id, resumed: 'recovered' } });
    assert.deepEqual(heard(scene.host), ['1 t/a 1 counts', '1 t/a 2']);
  });

  it('events of a newer broker are nothing, broken ones end the connection', async () => {
    const { socket, host } = await connected();
    socket.say({ tea: {} });
    assert.equal(host.states.at(-1), 'connected');
    socket.say({ message: { topic: 't', seq: -1, text: '' } });
    assert.deepEqual([host.states.at(-1), socket.closedWith], ['waiting', 1000]);
  });
});
