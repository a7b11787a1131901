// perf/stalled's work.
//
// Pairs of turns, each with a broker of its own: perf/load's healthy subscribers alone, and beside others that never
// read; every other pair in the other order. What counts is the ratio of the p99 latencies within a pair. A broker of
// its own, because what stalled subscribers leave behind (history, memory) would otherwise be in the turn after.
//
// The stalled ones follow all topics, a quarter each as raw connections and in the full protocol with DEGRADE, SKIP
// and CLOSE. When the load is over, every second one of the first and the last quarter reads, and must find 4008. The
// others of these do not, and must be gone before they do: the broker's open sockets are counted. Then all read, and
// what they were told is compared with what was published.

import { execFile } from 'node:child_process';
import { Broker, keep, machine } from './broker.mjs';
import { mebibytes, median, spread } from './figures.mjs';
import { claim, conclude, eventually, settings } from './show.mjs';
import { Socket } from './socket.mjs';

const options = settings('perf/stalled: do subscribers that never read make the others wait?', {
  pairs: [7, 1, 'pairs of turns'],
  seconds: [6, 3, 'measured in each turn'],
  healthy: [1000, 50, 'subscribers that read, of one topic each'],
  stalled: [100, 8, 'subscribers that never read, of all topics'],
  topics: [10, 10, 'topics, one publisher each'],
  rate: [1000, 1000, 'messages per second, of all publishers together'],
  size: [1024, 1024, 'bytes of payload'],
  outbox: ['1MiB', '256KiB', "the broker's --max-outbox: what a slow subscriber may be owed"],
  shards: [1, 1, "the broker's"],
  ratio: [1.2, 10, 'the median of the ratios must not be above'],
  slack: [64, 64, 'MiB that the broker may take besides one outbox for each stalled subscriber'],
});

const kSettleMs = 30_000; // for what must happen
const kWarmupSeconds = 0.5;
const kTooSlow = 4008;
const kPolicies = ['raw', 'degrade', 'skip', 'close'];
// Longer than a turn: else those that never read, and so never answer a ping, would be closed as gone.
// One that was closed and does not read is given up after this; some read when the load is over, and must still be told.
const kGiveUpSeconds = Math.ceil(options.seconds) + 5;
const kArgs = ['--max-message', '64KiB', '--max-outbox', options.outbox, '--ping-interval', '10m', '--drain-deadline', `${kGiveUpSeconds}s`];

const bytesOf = (text) => Number(text.match(/^\d+/)[0]) * { KiB: 1024, MiB: 1048576 }[text.match(/[KM]iB$/)[0]];

// What a full-protocol subscriber heard: seqs by topic, and what Lag said.
class Stalled {
  heard = new Map(); // topic -> Set of seqs
  ranges = []; // of Lag
  merged = 0;
  skipped = 0;
  lags = 0;
  caughtUp = false;
  disorder = 0; // messages whose seq was not above the one before
  #newest = new Map();

  static async open(port, policy) {
    const stalled = new Stalled();
    stalled.policy = policy;
    if (policy === 'raw') {
      stalled.socket = await Socket.open(port, '/topics/bench/%23');
    } else {
      const onEvent = (name, event) => stalled[`_${name}`]?.(event);
      stalled.socket = await Socket.open(port, '/ws', { json: true, onEvent });
      stalled.socket.send({ subscribe: { id: 1, filter: 'bench/#', on_lag: policy } });
      if (!await eventually(() => stalled.isSubscribed, kSettleMs)) throw new Error(`no answer to subscribe ${policy}`);
    }
    stalled.socket.stall();
    return stalled;
  }

  _subscribed() {
    this.isSubscribed = true;
  }

  _error(event) {
    throw new Error(`${this.policy} was refused: ${JSON.stringify(event)}`);
  }

  _message({ topic, seq }) {
    if (!this.heard.has(topic)) this.heard.set(topic, new Set());
    this.heard.get(topic).add(seq);
    if (seq <= (this.#newest.get(topic) ?? 0)) this.disorder += 1;
    this.#newest.set(topic, seq);
  }

  _lag({ merged = 0, skipped = 0, caught_up = false, ranges = [], more_ranges = false }) {
    this.lags += 1;
    this.merged += merged;
    this.skipped += skipped;
    this.caughtUp = caught_up || (this.caughtUp && merged === 0);
    this.ranges.push(...ranges);
    this.moreRanges ||= more_ranges;
  }

  get count() {
    return [...this.heard.values()].reduce((sum, seqs) => sum + seqs.size, 0);
  }

  // Whether nothing more is to be expected, given what was published: {topic: seq}.
  isDone(published) {
    const hasNewest = Object.entries(published).every(([topic, seq]) => this.#newest.get(topic) === seq);
    return this.socket.over || (hasNewest && (this.policy !== 'degrade' || this.caughtUp));
  }

  // What is wrong with it, or undefined.
  wrong(published) {
    const isClosed = this.policy === 'raw' || this.policy === 'close';
    const { over, closeCode } = this.socket;
    if (isClosed && over && (closeCode === kTooSlow || (closeCode === undefined && !this.isEarly))) return undefined;
    if (isClosed) return `was not closed with ${kTooSlow}, but ${over ? `with ${closeCode}` : 'is open'}`;
    if (this.socket.over) return `was closed with ${this.socket.closeCode}`;
    if (!this.isDone(published)) return `has not the newest values: got ${this.count}, ${this.merged} merged, ${this.skipped} skipped`;
    const missing = Object.values(published).reduce((sum, seq) => sum + seq, 0) - this.count;
    if (missing === 0) return 'never fell behind: use more --seconds or a larger --size';
    const told = this.policy === 'skip' ? [this.skipped, this.merged] : [this.merged, this.skipped];
    if (told[0] !== missing || told[1] !== 0) return `misses ${missing}, but was told ${this.merged} merged, ${this.skipped} skipped`;
    if (this.disorder > 0) return `got ${this.disorder} messages after a newer one of their topic, or twice`;
    return this.#wrongRanges(missing);
  }

  // Ranges name messages that did not come, each once; all of them if nobody said that there were more.
  #wrongRanges(missing) {
    let named = 0;
    for (const { topic, first_seq, last_seq } of this.ranges) {
      named += last_seq - first_seq + 1;
      for (let seq = first_seq; seq <= last_seq; ++seq) {
        if (this.heard.get(topic)?.has(seq)) return `got ${topic} ${seq}, which a Lag names as dropped`;
      }
    }
    if (named > missing) return `was told ranges of ${named} messages, but misses ${missing}`;
    if (this.policy === 'skip' && !this.moreRanges && named !== missing) return `ranges name ${named} of ${missing} missing messages`;
    return undefined;
  }
}

// The load's figures; it checks that its subscribers got every message once, in order.
function load(broker) {
  const { healthy, topics, rate, size, seconds } = options;
  const args = ['--port', broker.port, '--pid', broker.pid, '--subscribers', healthy, '--publishers', topics];
  args.push('--topics', topics, '--rate', rate, '--size', size, '--seconds', seconds, '--warmup', kWarmupSeconds);
  return new Promise((resolve, reject) => {
    const done = (error, out, said) => (error ? reject(new Error(`load: ${said || error.message}`)) : resolve(JSON.parse(out)));
    keep(execFile(`${options.build}/load`, args.map(String), done));
  });
}

// {topic: seq of its last message}, from the broker's ETags.
async function published(port) {
  const seqs = {};
  for (let i = 0; i < options.topics; ++i) {
    const answer = await fetch(`http://127.0.0.1:${port}/topics/bench/${i}`);
    seqs[`bench/${i}`] = Number(answer.headers.get('etag').match(/-(\d+)"$/)[1]);
  }
  return seqs;
}

// The broker's memory while `promise` lasts: one sample each 100 ms.
async function watched(broker, promise) {
  const samples = [];
  const timer = setInterval(() => samples.push(broker.memory().rss_bytes), 100);
  const result = await promise.finally(() => clearInterval(timer));
  return { result, samples };
}

async function turn(stalledCount) {
  const broker = await Broker.start({ build: options.build, shards: options.shards, args: kArgs });
  const stalled = [];
  const listeners = broker.sockets();
  while (stalled.length < stalledCount) {
    stalled.push(await Stalled.open(broker.port, kPolicies[stalled.length % kPolicies.length]));
  }
  const { result, samples } = await watched(broker, load(broker));
  const figures = {
    p50: result.latency_p50_ns / 1000, p99: result.latency_p99_ns / 1000, cpu: result.server_cpu_ns / result.seconds / 1e7,
    own: result.load_cpu_share, peak: broker.memory().peak_bytes, half: samples[samples.length >> 1], end: samples.at(-1),
  };
  if (stalledCount > 0) figures.fates = await fates(broker, stalled, listeners);
  await broker.stop();
  return figures;
}

async function fates(broker, stalled, listeners) {
  const closed = stalled.filter(({ policy }) => policy === 'raw' || policy === 'close');
  const kept = stalled.length - closed.length;
  for (const [i, each] of closed.entries()) each.isEarly = (i >> 1) % 2 === 0; // i >> 1: raw and CLOSE alternate
  for (const each of closed.filter(({ isEarly }) => isEarly)) each.socket.resume();
  await eventually(() => broker.sockets() - listeners <= kept, kSettleMs);
  const open = broker.sockets() - listeners;
  const seqs = await published(broker.port);
  for (const { socket } of stalled) socket.resume();
  await eventually(() => stalled.every((each) => each.isDone(seqs)), kSettleMs);
  const wrong = stalled.map((each) => [each.policy, each.wrong(seqs)]).filter(([, what]) => what).map((words) => words.join(' '));
  const all = { wrong, open, kept, messages: Object.values(seqs).reduce((sum, seq) => sum + seq, 0) };
  for (const policy of kPolicies) all[policy] = stalled.filter((each) => each.policy === policy);
  for (const { socket } of stalled) socket.cut();
  return all;
}

function printFates({ messages, open, kept, raw, degrade, skip, close }) {
  const of = (list, what) => spread(list.map((each) => each[what]), 0);
  console.log(`    while half of those to be closed, and all others, had not read yet, the broker had ${open} of them open; ${kept} are not to be closed`);
  for (const [name, list] of [['raw', raw], ['CLOSE', close]]) {
    const ended = list.filter(({ socket }) => socket.over).length;
    const early = list.filter(({ isEarly }) => isEarly);
    const told = early.filter(({ socket }) => socket.closeCode === kTooSlow).length;
    console.log(`    ${name.padEnd(8)} ${list.length}: ${ended} ended; of ${early.length} that read when the load was over ${told} were told ${kTooSlow}, the others were given up`);
  }
  for (const [name, list, what] of [['DEGRADE', degrade, 'merged'], ['SKIP', skip, 'skipped']]) {
    if (list.length === 0) continue;
    const caughtUp = what === 'merged' ? `; ${list.filter((each) => each.caughtUp).length} caught up` : '';
    console.log(`    ${name.padEnd(8)} ${list.length}: of ${messages} messages got ${of(list, 'count')}, told ${what} ${of(list, what)} `
      + `in ${of(list, 'lags')} Lags${caughtUp}`);
  }
}

const us = (value) => `${value.toFixed(0)} us`.padStart(10);

// One pair; its figures, printed.
async function pair(number) {
  const done = {};
  for (const who of number % 2 ? ['alone', 'beside'] : ['beside', 'alone']) {
    done[who] = await turn(who === 'beside' ? options.stalled : 0);
  }
  const { alone, beside } = done;
  const ratio = beside.p99 / alone.p99;
  const memory = [alone.peak, beside.peak, beside.half, beside.end].map((bytes) => mebibytes(bytes).padStart(10)).join('');
  console.log(`  ${`${number}`.padEnd(4)} ${us(alone.p50)}${us(beside.p50)} ${us(alone.p99)}${us(beside.p99)} ${ratio.toFixed(2).padStart(7)}`
    + ` ${memory} ${alone.cpu.toFixed(0).padStart(8)} % / ${beside.cpu.toFixed(0)} %`);
  printFates(beside.fates);
  return { ...done, ratio, ratio50: beside.p50 / alone.p50 };
}

function claims(pairs) {
  const of = (what) => pairs.map(what);
  const peak = Math.max(...of(({ beside }) => beside.peak));
  const outboxes = options.stalled * bytesOf(options.outbox);
  const bound = Math.max(...of(({ alone }) => alone.peak)) + outboxes + options.slack * 1048576;
  const own = Math.max(...pairs.flatMap(({ alone, beside }) => [alone.own, beside.own]));
  console.log(`beside stalled ones, by alone: p50 ${spread(of(({ ratio50 }) => ratio50))}, p99 ${spread(of(({ ratio }) => ratio))}; `
    + `the load's own share of its CPU: ${own.toFixed(2)} at most`);
  claim(median(of(({ ratio }) => ratio)) <= options.ratio, `the median p99 is within ${options.ratio} of that without stalled ones`);
  claim(peak <= bound, `the broker's memory is bounded: at most ${mebibytes(peak)}, allowed ${mebibytes(bound)}`);
  const closed = of(({ beside: { fates } }) => fates.open - fates.kept);
  claim(closed.every((more) => more <= 0), 'raw and CLOSE connections were closed without waiting for them to read');
  claim(closed.every((more) => more >= 0), 'DEGRADE and SKIP connections were not closed');
  const wrong = pairs.flatMap(({ beside: { fates } }) => fates.wrong);
  claim(wrong.length === 0, 'each stalled one was handled by its policy, and told exactly what it did not get'
    + (wrong.length > 0 ? `: ${wrong.length} not, the first ${wrong[0]}` : ''));
}

console.log(machine(options.shards));
console.log(`${options.healthy} healthy raw subscribers of one of ${options.topics} topics each, ${options.rate} messages/s of ${options.size} bytes in all `
  + `(${(options.rate / options.topics).toFixed(0)}/s each),`);
console.log(`alone and beside ${options.stalled} of all topics that never read; ${options.pairs} pairs, ${options.seconds} s a turn; `
  + 'every healthy one got every message once, in order, or the load fails');
console.log('  pair  p50 alone    beside  p99 alone    beside   ratio   peak alone beside  at half    at end   CPU alone / beside');
const pairs = [];
while (pairs.length < options.pairs) pairs.push(await pair(pairs.length + 1));
claims(pairs);
conclude();
