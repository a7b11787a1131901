// ringcast pub and sub: what they print, what they exit with.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { Broker } from './broker.mjs';
import { Client, closeAll, publish, request } from './client.mjs';
import { Program, binary, eventually, run } from './program.mjs';

describe('ringcast pub and sub', () => {
  let broker;
  before(async () => (broker = await Broker.start()));
  afterEach(closeAll);
  after(() => broker.stop());

  const pub = (args, options) => run(binary, ['pub', '--url', broker.url, ...args], options);
  const sub = (...args) => new Program(binary, ['sub', '--url', broker.url, ...args]);

  // A `sub --last` that has printed the value that was there: what is published from now on comes after it.
  async function liveSub(topics, ...args) {
    for (const topic of topics) await publish(broker, topic, 'first');
    const program = sub(...args, '--last');
    // Other topics that its filters match may come between.
    for (const topic of topics) await program.output(topics.length === 1 ? /first.*\n/ : new RegExp(`^${topic}\tfirst\n`, 'm'));
    return program;
  }

  async function assertEnds(program, code) {
    const end = await program.ended();
    assert.deepEqual(end, { code, signal: null }, program.lines.join('\n'));
  }

  it('pub publishes one message and prints where it stands', async () => {
    const before = await publish(broker, 'cli/one', 'x');
    const { code, out, lines } = await pub(['cli/one', 'hello']);
    assert.deepEqual([code, lines], [0, []]);
    assert.equal(JSON.parse(out).seq, before + 1);
    assert.equal((await request(`${broker.url}/topics/cli/one`)).body.toString(), 'hello');
  });

  it('pub publishes each line of standard input, the last one too', async () => {
    const listener = await Client.open(broker.topic('cli/lines'));
    const lines = Array.from({ length: 10_000 }, (_, i) => `line ${i}`);
    for (const [args, summary] of [
      [['cli/lines'], /^published 10,000 messages in .* acks p50 \d+\.\d\d ms, p99 .* ms, max .* ms$/],
      [['cli/lines', '-', '--acks', 'each'], /^published 10,000 messages/],
      [['cli/lines', '--acks', 'none'], /^published 10,000 messages in \d+\.\d s \([\d,]+\/s\)$/],
    ]) {
      listener.inbox = [];
      const { code, lines: said } = await pub(args, { input: lines.join('\n') });
      assert.equal(code, 0);
      assert.match(said.join('\n'), summary);
      assert.deepEqual(await listener.has(10_000), lines);
    }
    listener.inbox = [];
    await pub(['cli/lines'], { input: 'a\n\nb\n' });
    assert.deepEqual(await listener.has(3), ['a', '', 'b'], 'an empty line is an empty message');
    await pub(['cli/lines', '--count', '2'], { input: 'c\nd\ne\n' });
    await publish(broker, 'cli/lines', 'end');
    assert.deepEqual((await listener.has((inbox) => inbox.includes('end'))).slice(3), ['c', 'd', 'end']);
  });

  it('pub --json prints the result of each message', async () => {
    const before = await publish(broker, 'cli/results', 'x');
    const { code, out } = await pub(['cli/results', '--json'], { input: 'a\nb\nc\n' });
    assert.equal(code, 0);
    const results = out.trimEnd().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(
      results.map(({ topic, message, status, seq }) => [topic, message, status, seq]),
      [1, 2, 3].map((number) => ['cli/results', number, 'sequenced', before + number]),
    );
    for (const { epoch, time_us } of results) {
      assert.match(epoch, /^[0-9a-f]{16}$/);
      assert.ok(Math.abs(time_us / 1000 - Date.now()) < 60_000);
    }
  });

  it('pub repeats a payload --count times, at a --rate', async () => {
    const listener = await Client.open(broker.topic('cli/count'));
    const begun = performance.now();
    assert.equal((await pub(['cli/count', 'again', '--count', '20', '--rate', '100'])).code, 0);
    assert.ok(performance.now() - begun > 150, '20 at 100 a second take 190 ms');
    assert.deepEqual(await listener.has(20), Array(20).fill('again'));
  });

  it('pub sends binary when told, and does not take other bytes for text', async () => {
    const listener = await Client.open(broker.topic('cli/binary'));
    const input = Buffer.from([0x61, 10, 0xff, 0xfe, 10, 0x62, 10]);
    const refused = await pub(['cli/binary'], { input });
    assert.equal(refused.code, 1);
    assert.match(refused.lines.join(), /line 2 is not UTF-8.*--binary/);
    assert.deepEqual(await listener.has(1), ['a'], 'what came before it was published');
    assert.equal((await pub(['cli/binary', '--binary'], { input })).code, 0);
    assert.deepEqual((await listener.has(4)).slice(1), [Buffer.from('a'), Buffer.from([0xff, 0xfe]), Buffer.from('b')]);
  });

  it('sub prints one message a line and ends after --count', async () => {
    const program = await liveSub(['cli/sub'], 'cli/sub', '--count', '3');
    for (const message of ['second', 'third', 'fourth']) await publish(broker, 'cli/sub', message);
    await assertEnds(program, 0);
    assert.equal(program.out, 'first\nsecond\nthird\n');
    assert.match(program.lines.join(), /^received 3 messages/);
  });

  it('sub takes many filters on one connection, says the topic, and prints once what several match', async () => {
    const filters = ['cli/many/#', 'cli/other', 'cli/+/b', '#'];
    const program = await liveSub(['cli/many/a', 'cli/other'], ...filters, '--timeout', '2m');
    await publish(broker, 'cli/many/b', 'second');
    await program.output(/second/);
    await publish(broker, 'cli/other', 'third');
    await program.output(/third/);
    await request(`${broker.url}/topics/cli/other`, { method: 'DELETE' });
    await program.output(/removed/);
    program.kill('SIGINT');
    await assertEnds(program, 0);
    const ours = program.out.trimEnd().split('\n').filter((line) => /^cli\/(many|other)/.test(line));
    assert.deepEqual(ours.slice(0, 2).sort(), ['cli/many/a\tfirst', 'cli/other\tfirst']);
    assert.deepEqual(ours.slice(2), ['cli/many/b\tsecond', 'cli/other\tthird', 'cli/other\t(removed)']);
  });

  it('sub begins with kept messages, ends after --timeout, and measures', async (t) => {
    const other = await Broker.of(t, { args: ['--history-last', '5'] });
    for (let i = 1; i <= 7; ++i) await publish(other, 'cli/kept', `${i}`);
    const of = (...args) => run(binary, ['sub', '--url', other.url, ...args]);
    const kept = await of('cli/kept', '--start', 'last:3', '--count', '3', '--latency');
    assert.deepEqual([kept.code, kept.out], [0, '5\n6\n7\n']);
    assert.doesNotMatch(kept.lines.join(), /broker to here/, 'kept messages say nothing of latency');
    let late; // with more time, where it was too short for connecting
    for (const timeout of ['300ms', '3s', '30s']) {
      late = await of('cli/kept', '--start', 'last:3', '--count', '4', '--timeout', timeout);
      if (late.out === '5\n6\n7\n') break;
    }
    assert.deepEqual([late.code, late.out], [1, '5\n6\n7\n']);
    assert.match(late.lines.at(-1), /fewer than 4 messages came in time/);
    assert.equal((await of('cli/kept', '--timeout', '100ms')).code, 0);
    const live = new Program(binary, ['sub', '--url', other.url, 'cli/kept', '--last', '--count', '2', '--latency']);
    await live.output(/7\n/);
    await publish(other, 'cli/kept', '8');
    await assertEnds(live, 0);
    assert.match(live.lines.at(-1), /received 2 messages .* broker to here p50 \d/);
  });

  it('sub prints JSON with --json, and bytes as base64', async () => {
    const program = await liveSub(['cli/json'], 'cli/json', '--json', '--count', '4');
    const plain = await liveSub(['cli/json'], 'cli/json', '--count', '3');
    await publish(broker, 'cli/json', 'a "quoted"\nline');
    await publish(broker, 'cli/json', Buffer.from([0, 255]), { 'Content-Type': 'application/octet-stream' });
    await assertEnds(plain, 0);
    assert.equal(plain.out, 'first\na "quoted"\nline\nbase64:AP8=\n');
    await assertEnds(program, 0);
    const lines = program.out.trimEnd().split('\n').map((line) => JSON.parse(line));
    const topic = 'cli/json';
    const [{ seq, time_us }] = lines;
    assert.ok(Math.abs(time_us / 1000 - Date.now()) < 60_000);
    assert.deepEqual(
      lines.map(({ time_us: _, ...rest }) => rest),
      [
        { topic, seq, mark: 'snapshot', text: 'first' },
        { topic, seq: seq + 1, text: 'first' }, // for `plain`
        { topic, seq: seq + 2, text: 'a "quoted"\nline' },
        { topic, seq: seq + 3, content_type: 'application/octet-stream', base64: 'AP8=' },
      ],
    );
    const json = await liveSub(['cli/json'], 'cli/json', '--json', '--count', '2');
    await publish(broker, 'cli/json', '{"px":\n 191.2}');
    await assertEnds(json, 0);
    assert.deepEqual(JSON.parse(json.out.trimEnd().split('\n')[1]).json, { px: 191.2 });
  });

  it('sub goes quietly with a reader that has seen enough', async () => {
    await publish(broker, 'cli/head', 'first');
    const piped = new Program('sh', ['-c', `"${binary}" sub --url ${broker.url} cli/head --last | head -1; echo done`]);
    await piped.output(/first\n/);
    // It notices when it writes, and its reader has gone by then: `head` has said what it says before it goes.
    await eventually(async () => {
      await publish(broker, 'cli/head', 'more');
      return piped.out !== 'first\n';
    }, 'the end of sub');
    await piped.output(/^first\ndone\n$/);
    await assertEnds(piped, 0);
    assert.doesNotMatch(piped.lines.join(), /error|cannot|broken/i);
  });

  it('end by signals as a shell expects: sub with 0, pub with 130', async () => {
    for (const signal of ['SIGINT', 'SIGTERM']) {
      const program = await liveSub(['cli/signal'], 'cli/signal');
      const publisher = new Program(binary, ['pub', '--url', broker.url, 'cli/signal']);
      publisher.child.stdin.write('a line\n');
      await program.output(/a line/);
      publisher.kill(signal);
      await assertEnds(publisher, 130);
      program.kill(signal);
      await assertEnds(program, 0);
    }
  });

  it('say what is wrong: 2 when it can never work, 1 when it may', async () => {
    for (const [args, code, line] of [
      [['pub', 'a/#', 'x'], 2, /refused.*filter/],
      [['pub', '$broker/x', 'x'], 2, /refused.*permitted/],
      [['pub', 'x'.repeat(1025), 'x'], 2, /1024/],
      [['pub', 'a', 'x', '--acks', 'none', '--json'], 2, /--json/],
      [['pub', 'a', 'x', '--acks', 'some'], 2, /--acks: "some"/],
      [['pub', 'a//b', 'x', '--acks', 'none'], 2, /400.*slash/], // the name is legal, but not in a URL
      [['pub'], 2, /needs TOPIC/],
      [['pub', 'a', 'b', 'c'], 2, /c/],
      [['pub', 'a', 'b', '--rate', 'fast'], 2, /--rate: "fast"/],
      [['sub'], 2, /needs FILTER/],
      [['sub', 'a/#/b'], 2, /last level/],
      [['sub', 'a', '--count', '0'], 2, /--count/],
      [['sub', 'a', '--start', 'last:0'], 2, /--start: "last:0"/],
      [['sub', 'a', '--start', 'first'], 2, /--start: "first"/],
      [['sub', 'a', '--since', '1m', '--last'], 2, /--since does not go with/],
      [['sub', 'a', '--rate', '2'], 2, /--rate needs --latest/],
      [['sub', 'a', '--latest', '--rate', '0'], 2, /--rate: "0"/],
      [['sub', 'a', '--on-lag', 'never'], 2, /--on-lag: "never"/],
      [['sub', 'a', '--latest', '--on-lag', 'skip'], 2, /--on-lag does not go with --latest/],
      [['sub', 'a', '--resume-file', '/proc/version'], 2, /holds something else/],
      [['sub', 'a', '--resume-file', '/proc'], 1, /cannot read \/proc/],
      [['sub', 'a', '--url', `${broker.url}/no/such/base`], 2, /404/],
      [['pub', 'a', 'b', '--url', 'http://127.0.0.1:1'], 1, /nothing listens on 127\.0\.0\.1:1/],
      [['sub', 'a', '--url', 'http://127.0.0.1:1'], 1, /nothing listens on 127\.0\.0\.1:1/],
      [['sub', 'a', '--url', 'ftp://x'], 2, /ftp/],
    ]) {
      const url = args.includes('--url') ? [] : ['--url', broker.url];
      const end = await run(binary, [...args, ...url]);
      assert.equal(end.code, code, `${args}: ${end.lines}`);
      assert.equal(end.lines.length, 1, `${args}: ${end.lines}`);
      assert.match(end.lines[0], line);
    }
    const input = 'x\n' + 'x'.repeat(1024 * 1024 + 1) + '\nnever';
    const large = await pub(['cli/large', '--json'], { input });
    assert.equal(large.code, 1);
    assert.match(large.lines.join(), /line 2 was refused: it has 10\d{5} bytes .* takes 1048576/);
    // Results come as they are known: what the client refuses itself before what the broker answers.
    const results = large.out.trimEnd().split('\n').map((line) => JSON.parse(line));
    const statuses = results.toSorted((a, b) => a.message - b.message).map(({ status }) => status);
    assert.deepEqual(statuses.slice(0, 2), ['sequenced', 'refused'], 'and what followed closely was published, too');
    const raw = await pub(['cli/large', '--acks', 'none'], { input });
    assert.equal(raw.code, 1);
    assert.match(raw.lines.join(), /1009|too big/);
  });

  it('end with 1 and the reason when the broker goes and --retry is over', async () => {
    const other = await Broker.start();
    await publish(other, 'cli/gone', 'first');
    const listener = new Program(binary, ['sub', '--url', other.url, 'cli/gone', '--last', '--retry', '0ms']);
    await listener.output(/first\n/);
    const publisher = new Program(binary, ['pub', '--url', other.url, 'cli/gone', '--retry', '0ms']);
    publisher.child.stdin.write('a line\n');
    await listener.output(/first\na line\n/);
    const patient = new Program(binary, ['sub', '--url', other.url, 'cli/gone', '--last', '--retry', '300ms']);
    await patient.output(/a line\n/);
    await other.stop();
    for (const program of [listener, publisher]) {
      await assertEnds(program, 1);
      assert.match(program.lines.join(), /1012/);
    }
    await assertEnds(patient, 1);
    assert.match(patient.lines[0], /1012.*trying again/);
    // What it saw last depends on how far the broker was with ending, and on a random delay: that nothing listens, that what
    // it came to ended as well, or nothing after the 1012.
    assert.match(patient.lines.at(-1), /: .*\w.*gave up.*--retry/);
  });

  it('come back when the broker does, and say what may be missing or twice', async (t) => {
    const first = await Broker.startOnOwnPort();
    await publish(first, 'cli/back', 'first');
    const listener = new Program(binary, ['sub', '--url', first.url, 'cli/back', '--last']);
    await listener.output(/first\n/);
    const publisher = new Program(binary, ['pub', '--url', first.url, 'cli/back']);
    publisher.child.stdin.write('one\n');
    await listener.output(/one\n/);
    await first.stop();
    await listener.line(/trying again/);
    await publisher.line(/trying again/);
    publisher.child.stdin.write('two\n');
    const second = await Broker.of(t, { port: first.port });
    await publisher.line(/connected again; the broker was restarted/);
    await listener.line(/gap: messages of cli\/back may be missing here; the broker was restarted/);
    await listener.output(/two\n/);
    publisher.child.stdin.end('three\n');
    await assertEnds(publisher, 0);
    await listener.output(/two\nthree\n/);
    assert.equal((await request(`${second.url}/topics/cli/back`)).body.toString(), 'three');
    listener.kill('SIGINT');
    await assertEnds(listener, 0);
  });

  it('bench loads the broker and is content with what arrives', async () => {
    const args = ['--port', `${broker.port}`, '--subscribers', '5', '--rate', '200', '--seconds', '0.2', '--warmup', '0.1'];
    for (const protocol of ['raw', 'proto']) {
      const { code, out, lines } = await run(binary, ['bench', ...args, '--protocol', protocol]);
      assert.equal(code, 0, lines.join('\n'));
      assert.equal(JSON.parse(out).lost, 0);
    }
    assert.equal((await run(binary, ['bench', '--nonsense'])).code, 2);
    assert.match((await run(binary, ['bench', '--help'])).out, /Usage: ringcast bench[^]*--subscribers/);
  });

  it('take the broker from RINGCAST_URL', async () => {
    const { code } = await run(binary, ['pub', 'cli/env', 'by environment'], { env: { RINGCAST_URL: broker.url } });
    assert.equal(code, 0);
    assert.equal((await request(`${broker.url}/topics/cli/env`)).body.toString(), 'by environment');
  });
});

describe('ringcast', () => {
  it('prints its version and its help', async () => {
    assert.match((await run(binary, ['version'])).out, /^ringcast \d+\.\d+\.\d+/);
    for (const args of [['help'], ['--help'], ['help', 'serve'], ['serve', '--help'], ['help', 'pub']]) {
      const { code, out, lines } = await run(binary, args);
      assert.deepEqual([code, lines], [0, []], `${args}`);
      assert.match(out, /Usage: ringcast/);
    }
    const nothing = await run(binary, []);
    assert.equal(nothing.code, 2);
    assert.match(nothing.out + nothing.lines.join('\n'), /Usage: ringcast/);
    const unknown = await run(binary, ['serv']);
    assert.equal(unknown.code, 2);
    assert.match(unknown.lines.join(), /did you mean "serve"/);
  });
});
