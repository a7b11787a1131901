// The small parts of the client, each by itself: of its connection, and of publishing.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { socketUrl } from '../../../web/client/address.js';
import { Backoff } from '../../../web/client/backoff.js';
import { Liveness } from '../../../web/client/liveness.js';
import { makePublication } from '../../../web/client/publication.js';
import { PublishWindow } from '../../../web/client/publish_window.js';
import { TokenSource } from '../../../web/client/token_source.js';
import { seeded } from '../../e2e/proxy.mjs';
import { Clock } from './fakes.mjs';

describe('backoff', () => {
  it('is random up to a limit that doubles, never zero, and begins anew', () => {
    const backoff = new Backoff({ minMs: 50, firstMs: 500, maxMs: 3000 });
    assert.deepEqual([1, 1, 1, 1, 1].map((most) => backoff.next(most)), [500, 1000, 2000, 3000, 3000]);
    assert.equal(backoff.next(0), 50);
    backoff.reset();
    backoff.grow();
    assert.equal(backoff.next(0.5), 50 + 0.5 * 950);
  });

  it('spreads over all of its range', () => {
    const random = seeded(1);
    const delays = Array.from({ length: 1000 }, () => new Backoff().next(random()));
    const tenths = new Set(delays.map((ms) => Math.floor((ms - 50) / 45)));
    assert.equal(tenths.size, 10);
    assert.ok(Math.min(...delays) >= 50 && Math.max(...delays) < 500);
  });
});

describe('the publish window', () => {
  const publication = (bytes = 1) => ({ bytes });
  const filled = (count, bytes) => {
    const window = new PublishWindow();
    for (let ref = 1; ref <= count; ++ref) window.push(ref, publication(bytes));
    return window;
  };
  const sendAll = (window) => {
    const sent = [];
    for (let entry; (entry = window.send()); ) sent.push(entry.seq);
    return sent;
  };

  it('sends no number 1,024 above the first without an answer', () => {
    const window = filled(1100);
    assert.equal(sendAll(window).length, 1024);
    window.take(2);
    assert.deepEqual(sendAll(window), [], 'the first still waits');
    window.take(1);
    assert.deepEqual(sendAll(window), [1025, 1026]);
  });

  it('sends 4 MiB at most, but one message of any size', () => {
    const mib = 1024 * 1024;
    assert.equal(sendAll(filled(9, mib)).length, 4);
    assert.equal(sendAll(filled(2, 5 * mib)).length, 1);
  });

  it('sends what has no answer again, in order and with the same numbers, and knows what is in doubt', () => {
    const window = filled(4);
    for (let i = 0; i < 3; ++i) window.send();
    window.take(2);
    window.putBack(3);
    window.lose();
    window.forget(true);
    window.push(5, publication());
    const again = [window.send(), window.send(), window.send(), window.send()];
    assert.deepEqual(again.map(({ seq, ref, inDoubt, maybeTwice, epochChanged }) => [seq, ref, inDoubt, maybeTwice, epochChanged]), [
      [1, 1, true, true, true], [3, 3, false, false, false], [4, 4, false, false, false], [5, 5, false, false, false],
    ]);
    assert.equal(window.take(2), undefined);
    assert.deepEqual(window.drain().map(({ ref }) => ref), [1, 3, 4, 5]);
  });

  it('holds its promises over 100,000 publishes with answers in any order', () => {
    const random = seeded(3);
    const window = new PublishWindow();
    const waiting = [];
    let sent = 0;
    for (let i = 1; sent < 100_000; ++i) {
      window.push(i, publication());
      for (let entry; (entry = window.send()); ) {
        assert.equal(entry.seq, (sent += 1));
        waiting.push(entry.seq);
      }
      while (waiting.length > 900 || (waiting.length > 0 && random() < 0.45)) {
        const [seq] = waiting.splice(Math.floor(random() * Math.min(5, waiting.length)), 1);
        assert.equal(window.take(seq).ref, seq);
      }
    }
    assert.equal(window.size, waiting.length);
  });
});

describe('a publication', () => {
  it('is text, JSON or bytes as it was when it was made', () => {
    const bytes = new Uint8Array([1, 2]);
    const object = { a: 1 };
    const made = [bytes, object].map((data) => makePublication('t', data));
    bytes[0] = 9;
    object.a = 9;
    assert.deepEqual(made.map(({ format, payload }) => [format, payload]), [['binary', new Uint8Array([1, 2])], ['json', '{"a":1}']]);
    assert.deepEqual(makePublication('t', 'x').payload, 'x');
    assert.deepEqual(makePublication('t', 'x', { as: 'json' }).payload, '"x"');
    assert.equal(makePublication('t', new Uint16Array([1, 2]).subarray(1)).payload.length, 2);
    assert.equal(makePublication('t', undefined, { op: 'remove' }).payload, undefined);
  });

  it('is refused here where it would refuse the others of its batch', () => {
    const table = [
      ['', 1, {}, 'bad_topic'], [7, 1, {}, 'bad_topic'], ['\ud800', 1, {}, 'bad_topic'],
      ['t', undefined, {}, 'bad_value'], ['t', () => {}, {}, 'bad_value'], ['t', '\ud800', {}, 'bad_value'],
      ['t', 1, { contentType: ' a' }, 'bad_value'], ['t', 1, { contentType: 'a ' }, 'bad_value'], ['t', 1, { contentType: 'é' }, 'bad_value'],
      ['t', 1, { contentType: 'x'.repeat(256) }, 'bad_value'], ['t', 1, { headers: { a: 1 } }, 'bad_value'],
      ['t', 1, { headers: { a: '\udc00' } }, 'bad_value'], ['t', 1, { headers: { a: 'x'.repeat(1024) } }, 'too_large'],
      ['t', 1, { headers: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`${i}`, ''])) }, 'too_large'],
    ];
    for (const [topic, data, options, code] of table) {
      assert.throws(() => makePublication(topic, data, options), { name: 'RingcastError', code }, JSON.stringify([topic, options]));
    }
    const most = { contentType: 'x'.repeat(255), headers: { a: 'x'.repeat(1023) } };
    assert.equal(makePublication('é/🛰', '🛰', most).alone, false);
  });

  it('is refused here where the broker could not read its JSON', () => {
    const deep = (n) => JSON.parse('['.repeat(n) + ']'.repeat(n));
    const wide = Array.from({ length: 500 }, (_, i) => ({ i: [i] }));
    for (const [data, code] of [
      [1e20, 'bad_value'], [2 ** 64, 'bad_value'], [-1e19, 'bad_value'], [{ a: [1e20] }, 'bad_value'], [-(2 ** 63), 'bad_value'], [2 ** 63, 0], [-(2 ** 63 - 1024), 0], [1e21, 0], [1e300, 0],
      ['100000000000000000000', 0], [{ '"100000000000000000000': '"\\' }, 0], [1.234567890123456e-6, 0], [[0.1 + 0.2, 123456789012345680000e3], 0],
      [deep(101), 'too_large'], [deep(100), 0], [wide, 0], [{ a: '['.repeat(200) }, 0],
      [{ a: '\ud800' }, 'bad_value'], [{ '\udc00': 1 }, 'bad_value'], ['\\ud800', 0], [{ a: '\\\\ud800' }, 0], [{ a: '🛰' }, 0],
    ]) {
      const make = () => makePublication('t', data, { as: 'json' });
      if (code) assert.throws(make, { code }, JSON.stringify(data).slice(0, 40));
      else make();
    }
  });

  it('goes alone where it is large', () => {
    for (const [size, alone] of [[32 * 1024 - 1, false], [32 * 1024, true]]) assert.equal(makePublication('t', 'x'.repeat(size)).alone, alone);
  });
});

describe('liveness', () => {
  const start = () => {
    const clock = new Clock();
    const log = [];
    const liveness = new Liveness(clock.env, { silenceMs: 100, answerMs: 20 }, { ask: () => log.push('ask'), dead: () => log.push('dead') });
    liveness.start();
    return { clock, log, liveness };
  };

  it('asks after a silence, and gives up when nothing is heard', async () => {
    const { clock, log, liveness } = start();
    await clock.advance(99);
    assert.deepEqual(log, []);
    liveness.heard();
    await clock.advance(99);
    assert.deepEqual(log, [], 'counted from what was heard');
    await clock.advance(1);
    assert.deepEqual(log, ['ask']);
    await clock.advance(20);
    assert.deepEqual(log, ['ask', 'dead']);
  });

  it('takes any word for an answer, and begins anew', async () => {
    const { clock, log, liveness } = start();
    await clock.advance(110);
    liveness.heard();
    await clock.advance(99);
    assert.deepEqual(log, ['ask']);
    await clock.advance(20);
    assert.deepEqual(log, ['ask', 'ask']);
  });

  it('does not believe a timer that slept: it asks again', async () => {
    const { clock, log } = start();
    await clock.advance(100);
    clock.sleep(60_000);
    await clock.advance(0);
    assert.deepEqual(log, ['ask', 'ask']);
    await clock.advance(20);
    assert.deepEqual(log, ['ask', 'ask', 'dead']);
  });

  it('asks at once when there is reason to doubt, and is silent when stopped', async () => {
    const { clock, log, liveness } = start();
    liveness.probe();
    liveness.probe();
    assert.deepEqual(log, ['ask']);
    liveness.stop();
    liveness.probe();
    await clock.advance(1000);
    assert.deepEqual([log, clock.next], [['ask'], undefined]);
  });
});

it('addresses of a broker become that of its WebSocket', () => {
  for (const [given, wanted] of [
    ['http://h:8080', 'ws://h:8080/ws'], ['https://h/base/', 'wss://h/base/ws'], ['ws://h/ws', 'ws://h/ws'], ['ws://h/base', 'ws://h/base/ws'],
  ]) assert.equal(socketUrl(given), wanted);
  for (const wrong of ['ftp://h', 'h:8080', '::', '/path', undefined]) assert.throws(() => socketUrl(wrong), { code: 'usage' }, `${wrong}`);
});

describe('a token', () => {
  it('is a string or what a function gives, asked with the reason each time', async () => {
    assert.equal(await new TokenSource('a.b-c').get('connect'), 'a.b-c');
    assert.equal(await new TokenSource().get('connect'), undefined);
    const reasons = [];
    const source = new TokenSource(async (reason) => reasons.push(reason) && 'x');
    assert.deepEqual([await source.get('connect'), await source.get('expired'), reasons], ['x', 'x', ['connect', 'expired']]);
    assert.deepEqual([source.canRenew, new TokenSource('a').canRenew], [true, false]);
  });

  it('goes beside the subprotocol, and is nothing that could break the head', async () => {
    assert.deepEqual(TokenSource.protocols('p', 'a.b'), ['p', 'ringcast.token.a.b']);
    assert.deepEqual(TokenSource.protocols('p', undefined), ['p']);
    for (const wrong of ['a b', 'a,b', '', 'a\r\nb']) assert.throws(() => new TokenSource(wrong), { code: 'token' });
    assert.throws(() => new TokenSource(7), { code: 'usage' });
    await assert.rejects(new TokenSource(() => 'a b').get('connect'), { code: 'token' });
  });
});
