// Several pages on one engine, over real MessagePorts: who is told what, who speaks for all, and what becomes of a page
// that goes or does not look.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { deferredEngine } from '../../../web/client/deferred_engine.js';
import { Hub } from '../../../web/client/hub.js';
import { SharedEngine, openShared } from '../../../web/client/shared.js';
import { eventually } from '../../e2e/program.mjs';
import { Host } from './fakes.mjs';

// An engine that keeps what it is told; the test plays what it tells.
class FakeEngine {
  log = [];
  stateDetail = { state: 'connected', epoch: 'e1' };

  constructor(options, host) {
    Object.assign(this, { options, host: { ...host } }); // as the real one, which takes what is there now
    for (const name of ['start', 'publish', 'subscribe', 'change', 'unsubscribe', 'hurry', 'pause', 'proceed', 'close']) {
      this[name] = (...args) => this.log.push([name, ...args]);
    }
  }

  of(name) {
    return this.log.filter(([each]) => each === name).map(([, ...args]) => args);
  }
}

function scene(t, options) {
  const engines = [];
  const hub = new Hub((...args) => engines[engines.push(new FakeEngine(...args)) - 1], options);
  const page = async ({ host = new Host(), window = {} } = {}) => {
    const { port1, port2 } = new MessageChannel();
    t.after(() => port1.close());
    hub.add(port1);
    const engine = await openShared({ make: () => ({ port: port2 }), options: { url: 'u' }, host, window });
    await engine.start();
    return { host, engine, port: port2 };
  };
  return { hub, engines, page, get engine() { return engines.at(-1); } };
}

const told = (check, what) => eventually(check, what);

describe('pages that share', () => {
  it('have one engine, and each its own answers, messages and states', async (t) => {
    const all = scene(t);
    const [a, b] = [await all.page(), await all.page()];
    a.engine.subscribe(1, 'x/#', { start: 'last_values' }, undefined);
    b.engine.subscribe(1, 'x/#', {}, undefined);
    b.engine.publish(2, { topic: 't' });
    await told(() => all.engine?.log.length === 4, 'commands of both');
    assert.equal(all.engines.length, 1);
    assert.deepEqual(all.engine.options, { url: 'u' });
    const [[first, filter, options], [second]] = all.engine.of('subscribe');
    assert.deepEqual([filter, options], ['x/#', { start: 'last_values' }]);
    assert.notEqual(first, second);
    const message = { topic: 'x/y', value: 7 };
    all.engine.host.message(first, message, true);
    all.engine.host.message(second, message, false);
    all.engine.host.told(second, 'subscribed', { epoch: 'e1' });
    all.engine.host.answered(all.engine.of('publish')[0][0], { seq: 3 }, undefined);
    all.engine.host.state({ state: 'waiting' });
    await told(() => a.host.states.length === 1 && b.host.of('answered').length === 1, 'all that was told');
    await told(() => b.host.states.at(-1) === 'waiting', 'the state');
    assert.deepEqual(a.host.of('message'), [[1, message, true]]);
    assert.deepEqual(b.host.of('message'), [[1, message, false]]);
    assert.deepEqual([b.host.of('told'), b.host.of('answered')], [[[1, 'subscribed', { epoch: 'e1' }]], [[2, { seq: 3 }, undefined]]]);
    assert.deepEqual(b.host.states, ['connected', 'waiting'], 'who comes later is told what is so');
  });

  it('change and end what is theirs', async (t) => {
    const all = scene(t);
    const a = await all.page();
    a.engine.subscribe(1, 'x', {}, undefined);
    a.engine.change(1, { delivery: 'latest' }, 2);
    await told(() => all.engine?.of('change').length === 1, 'a change');
    const [[ref, options, changeRef]] = all.engine.of('change');
    assert.deepEqual([ref, options], [all.engine.of('subscribe')[0][0], { delivery: 'latest' }]);
    all.engine.host.changed(changeRef, undefined);
    await told(() => a.host.of('changed').length === 1, 'changed');
    assert.deepEqual(a.host.of('changed')[0][0], 2);
    a.engine.unsubscribe(1);
    await told(() => all.engine.of('unsubscribe').length === 1, 'an end');
    all.engine.host.message(ref, { topic: 'late' }, false);
    all.engine.host.state({ state: 'draining' });
    await told(() => a.host.states.length === 1, 'what comes after');
    assert.deepEqual(a.host.of('message'), []);
  });

  it('free what is theirs when they go, and the last one ends the engine', async (t) => {
    const all = scene(t);
    const [a, b] = [await all.page(), await all.page()];
    a.engine.subscribe(1, 'x', {}, undefined);
    b.engine.subscribe(1, 'y', {}, undefined);
    await told(() => all.engine?.of('subscribe').length === 2, 'both');
    const refs = Object.fromEntries(all.engine.of('subscribe').map(([ref, filter]) => [filter, ref]));
    a.engine.close(1000);
    await told(() => all.engine.of('unsubscribe').length === 1, 'the first to be gone');
    assert.deepEqual(all.engine.of('unsubscribe'), [[refs.x]]);
    assert.deepEqual([a.host.states.at(-1), all.hub.pages], ['closed', 1]);
    b.port.close(); // without a word
    await told(() => all.hub.pages === 0, 'the second to be gone');
    assert.deepEqual(all.engine.of('close').length, 1);
    const c = await all.page();
    await told(() => all.engines.length === 2, 'a new engine');
    all.engines[0].host.state({ state: 'closed' });
    all.engines[1].host.state({ state: 'connecting' });
    await told(() => c.host.states.length > 0, 'its state');
    assert.deepEqual(c.host.states, ['connecting']);
  });

  it('are found to be gone by their locks', async (t) => {
    // As the browser's: one after the other gets it.
    class Locks {
      #last = new Map();
      request(name, hold) {
        const turn = (this.#last.get(name) ?? Promise.resolve()).then(hold);
        this.#last.set(name, turn);
        return turn;
      }
    }
    const locks = new Locks();
    let release;
    const holding = { request: (name, hold) => locks.request(name, () => Promise.race([hold(), new Promise((resolve) => (release = resolve))])) };
    const all = scene(t, { locks });
    await all.page({ window: { navigator: { locks: holding } } });
    await told(() => all.hub.pages === 1, 'a page');
    release();
    await told(() => all.hub.pages === 0, 'no page');
  });

  it('what one does not take is bounded: its subscriptions are paused, and go on when it takes', async (t) => {
    const all = scene(t, { waitingMax: 50 });
    const { port1, port2 } = new MessageChannel();
    t.after(() => port1.close());
    all.hub.add(port1);
    const posted = [];
    port2.on('message', (events) => posted.push(events));
    port2.postMessage([['attach', {}, undefined], ['subscribe', 1, 'x', {}, undefined]]);
    await told(() => all.engine?.of('subscribe').length === 1, 'a subscription');
    const [[ref]] = all.engine.of('subscribe');
    for (let seq = 1; seq <= 200; ++seq) if (all.engine.of('pause').length === 0) all.engine.host.message(ref, { topic: 'x', seq }, true);
    assert.deepEqual(all.engine.of('pause'), [[ref]]);
    await told(() => posted.length >= 2, 'the first of them');
    const seqs = () => posted.flat().filter(([what]) => what === 'message').map(([, , { seq }]) => seq);
    assert.ok(seqs().length < 10);
    port2.postMessage([['taken']]);
    await told(() => seqs().length >= 50, 'the others');
    assert.deepEqual(all.engine.of('proceed'), []);
    port2.postMessage([['taken']]);
    await told(() => all.engine.of('proceed').length === 1, 'it goes on');
    assert.deepEqual(seqs(), Array.from({ length: seqs().length }, (_, i) => i + 1));
  });

  it('one of them says the token; if it cannot, another', async (t) => {
    const all = scene(t);
    const failing = new Host();
    failing.token = async () => { throw new Error('not signed in'); };
    const a = await all.page({ host: failing });
    await told(() => all.engine, 'an engine');
    await assert.rejects(all.engine.host.token('connect'), /not signed in/);
    const b = await all.page({ host: new Host('from b') });
    await told(() => all.hub.pages === 2, 'both');
    failing.token = () => new Promise(() => {}); // and then it is gone
    const token = all.engine.host.token('expired');
    a.port.close();
    assert.equal(await token, 'from b');
    assert.deepEqual(b.host.tokens, ['expired']);
  });

  it('are told that the engine has given up, and may begin anew', async (t) => {
    const all = scene(t);
    const a = await all.page();
    a.engine.publish(1, {});
    await told(() => all.engine?.of('publish').length === 1, 'a publish');
    all.engine.host.answered(all.engine.of('publish')[0][0], undefined, { code: 'unknown' });
    all.engine.host.state({ state: 'closed', error: { code: 'connection' } });
    await told(() => a.host.states.at(-1) === 'closed', 'the end');
    assert.equal(a.host.of('answered')[0][2].code, 'unknown');
    const b = await all.page();
    await told(() => all.engines.length === 2, 'a new engine');
    assert.equal(b.host.of('answered').length, 0);
  });

  it('close when what they published is answered', async (t) => {
    const all = scene(t);
    const a = await all.page();
    a.engine.publish(1, {});
    a.engine.close(60_000);
    await told(() => all.engine?.of('publish').length === 1, 'a publish');
    assert.deepEqual(a.host.states, []);
    all.engine.host.answered(all.engine.of('publish')[0][0], { seq: 1 }, undefined);
    await told(() => a.host.states.at(-1) === 'closed', 'the end');
    assert.deepEqual(a.host.of('answered'), [[1, { seq: 1 }, undefined]]);
  });

  it('a page that was left and is shown again subscribes anew, and says so', async (t) => {
    const all = scene(t);
    const window = new EventTarget();
    const a = await all.page({ window });
    a.engine.subscribe(5, 'x', { delivery: 'latest' }, undefined);
    await told(() => all.engine?.of('subscribe').length === 1, 'a subscription');
    window.dispatchEvent(new Event('pagehide'));
    await told(() => all.hub.pages === 0, 'it is gone');
    window.dispatchEvent(new Event('pageshow'));
    await told(() => all.engines.length === 2 && all.engine.of('subscribe').length === 1, 'it is back');
    assert.deepEqual(all.engine.of('subscribe')[0].slice(1), ['x', { delivery: 'latest' }, undefined]);
    assert.deepEqual(a.host.of('told').map(([ref, kind]) => [ref, kind]), [[5, 'gap']]);
  });
});

it('a worker that cannot be is said so', async () => {
  const port = new EventTarget();
  const worker = { port };
  const opening = openShared({ make: () => worker, options: {}, host: {} });
  worker.onerror(new Error('404'));
  await assert.rejects(opening);
  await assert.rejects(openShared({ make: () => { throw new Error('SecurityError'); }, options: {}, host: {} }), /SecurityError/);
  assert.equal(typeof SharedEngine, 'function');
});

it('an engine that is on its way is told everything in order when it is there', async () => {
  let arrive;
  const engine = new FakeEngine();
  const deferred = deferredEngine(new Promise((resolve) => (arrive = resolve)));
  deferred.start();
  deferred.publish(1, 'a');
  arrive(engine);
  await Promise.resolve();
  deferred.publish(2, 'b');
  await eventually(() => engine.log.length === 3, 'all');
  assert.deepEqual(engine.log, [['start'], ['publish', 1, 'a'], ['publish', 2, 'b']]);
});
