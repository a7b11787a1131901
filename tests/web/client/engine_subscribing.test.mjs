// The engine against a broker that the test plays: hearing what it subscribed to, and going on where it was.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connected } from './engine_scene.mjs';

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
