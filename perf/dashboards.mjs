// perf/dashboards's work.
//
// A feed of 20,000 updates a second over 500 topics. By turns, each with a broker of its own and every other round in
// the other order: nobody listens; a dashboard on all topics that wants every update; one that wants the newest value of
// each topic ten times a second (delivery=latest, rate 10); both in the full protocol's JSON form and raw, and with a few
// of them at once, because one costs little beside the feed. What counts is the broker's CPU within a round. Then very
// many dashboards that want ten a second at once, one of which is looked at.
//
// How updates per second are counted: by arrival, for each topic by itself, in windows of one second that follow each
// other. Ten belong into one; an eleventh can be pushed over the edge by jitter, and a process that is held up takes
// two at once. So over the whole time no topic may have more than ten a second, and of the windows at most one in a
// hundred more than eleven.

import { Broker, filesMax, machine } from './broker.mjs';
import { Crowd } from './crowd.mjs';
import { Feed } from './feed.mjs';
import { mebibytes, median, spread } from './figures.mjs';
import { claim, conclude, eventually, settings, sleep } from './show.mjs';
import { Socket } from './socket.mjs';

const options = settings('perf/dashboards: what do dashboards cost that want ten updates a second of each topic?', {
  rounds: [5, 1, 'rounds of turns with one dashboard'],
  seconds: [5, 2, 'measured in each turn'],
  topics: [500, 50, 'topics; an even number'],
  updates: [20_000, 2000, 'updates per second of all topics together'],
  rate: [10, 10, 'what dashboards want, per second and topic'],
  few: [20, 5, 'dashboards in turns of a few'],
  dashboards: [1000, 20, 'in the last turn'],
  protocol: ['json', 'json', 'of the dashboards in the last turn: json or raw'],
  shards: [1, 1, "the broker's"],
  cpu: [1, 1.5, "the broker's CPU for a few with LATEST, by that for as many with EVERY, must not be above"],
});

const kWarmupMs = 1000;
const kLastMs = 2000; // within which the last values must be there
const kFew = `x${options.few}`;
const kKinds = ['none', 'json every', 'json latest', 'raw every', 'raw latest', `json every ${kFew}`, `json latest ${kFew}`];

function pathOf(kind) {
  if (kind.startsWith('json')) return '/ws';
  return `/topics/feed/%23${kind.includes('latest') ? `?delivery=latest&rate=${options.rate}` : ''}`;
}

function requestOf(kind) {
  if (!kind.startsWith('json')) return undefined;
  return { subscribe: { id: 1, filter: 'feed/#', ...(kind.includes('latest') && { delivery: 'latest', max_rate_hz: options.rate }) } };
}

// A dashboard that looks at what it gets.
class Judge {
  last = new Array(options.topics).fill(0); // n of each topic's newest
  arrivals = Array.from({ length: options.topics }, () => []); // while watching
  watching = false;
  count = 0;
  disorder = 0; // not above the one before: out of order, or twice

  static async open(port, kind) {
    const judge = new Judge();
    const take = (value) => judge.#take(value);
    const onEvent = (name, event) => {
      if (name === 'message') take(event.json);
      if (name === 'error') throw new Error(`the dashboard was refused: ${JSON.stringify(event)}`);
    };
    const json = kind.startsWith('json');
    const onMessage = (payload) => take(JSON.parse(payload.toString()));
    judge.socket = await Socket.open(port, pathOf(kind), json ? { json, onEvent } : { onMessage });
    if (json) judge.socket.send(requestOf(kind));
    return judge;
  }

  #take({ t, n }) {
    if (n <= this.last[t]) this.disorder += 1;
    this.last[t] = n;
    this.count += 1;
    if (this.watching) this.arrivals[t].push(performance.now());
  }

  // From `fromMs` to `toMs`: updates per second and topic {mean, least, most}; how many windows of one second there are,
  // how many hold more than the rate (above), or more than one above it (far), and the most that one holds (largest).
  rates(fromMs, toMs) {
    const seconds = (toMs - fromMs) / 1000;
    const each = this.arrivals.map((times) => times.length / seconds);
    const counts = this.arrivals.flatMap((times) => windows(times, fromMs, Math.floor(seconds)));
    return {
      mean: each.reduce((sum, rate) => sum + rate, 0) / each.length,
      least: Math.min(...each),
      most: Math.max(...each),
      windows: counts.length,
      above: counts.filter((count) => count > options.rate).length,
      far: counts.filter((count) => count > options.rate + 1).length,
      largest: counts.reduce((most, count) => Math.max(most, count), 0),
    };
  }

  // Milliseconds until it had all of these as the newest, undefined if it never did.
  async hasLast(last) {
    const begun = performance.now();
    const has = await eventually(() => this.last.every((n, t) => n === last[t]), kLastMs, 2);
    return has && performance.now() - begun;
  }
}

// How many of these times are in each of `count` seconds from `fromMs` on.
function windows(times, fromMs, count) {
  const counts = new Array(count).fill(0);
  for (const time of times) {
    const window = Math.floor((time - fromMs) / 1000);
    if (window < count) counts[window] += 1;
  }
  return counts;
}

async function turn(kind, dashboards) {
  const broker = await Broker.start({ build: options.build, shards: options.shards });
  const judge = kind === 'none' ? undefined : await Judge.open(broker.port, kind);
  const crowd = dashboards > 1 ? await Crowd.start(broker.port, dashboards - 1, pathOf(kind), requestOf(kind)) : undefined;
  const feed = await Feed.start(broker.port, options.topics, options.updates);
  await sleep(kWarmupMs);

  const look = async () => ({ at: performance.now(), cpu: broker.cpuNs(), fed: await feed.count(), crowd: await crowd?.count() });
  const before = await look();
  if (judge) judge.watching = true;
  await sleep(options.seconds * 1000);
  if (judge) judge.watching = false;
  const after = await look();

  const perSecond = (amount) => amount / ((after.at - before.at) / 1000);
  const { last, count: published } = await feed.stop();
  const result = { kind, published, memory: broker.memory().peak_bytes };
  result.cpu = perSecond(after.cpu - before.cpu) / 1e7;
  result.fed = perSecond(after.fed - before.fed);
  if (judge) {
    result.lastMs = await judge.hasLast(last);
    Object.assign(result, judge.rates(before.at, after.at), { disorder: judge.disorder, count: judge.count });
    judge.socket.cut();
  }
  if (crowd) {
    result.each = after.crowd.frames.map((frames, i) => perSecond(frames - before.crowd.frames[i]) / options.topics);
    result.bytes = perSecond(after.crowd.bytes - before.crowd.bytes);
    result.crowdCpu = perSecond(after.crowd.cpuNs - before.crowd.cpuNs) / 1e7;
    result.over = after.crowd.over;
    crowd.stop();
  }
  await broker.stop();
  return result;
}

const fixed = (value, width, digits = 1) => value.toFixed(digits).padStart(width);

const kColumns = [['CPU %', 'cpu'], ['fed/s', 'fed'], ['mean', 'mean'], ['least', 'least'], ['most', 'most'], ['windows', 'windows'],
  ['over rate', 'above'], ['over +1', 'far'], ['largest', 'largest'], ['last ms', 'lastMs']];

function print(results) {
  console.log(' '.repeat(18) + kColumns.map(([title]) => title.padStart(10)).join(''));
  for (const kind of kKinds) {
    const of = (name) => median(results[kind].map((result) => result[name] ?? NaN));
    const digits = (value) => (Number.isNaN(value) ? '-' : Number.isInteger(value) || value > 1000 ? value.toFixed(0) : value.toFixed(1));
    console.log(`  ${kind.padEnd(16)}${kColumns.map(([, name]) => digits(of(name)).padStart(10)).join('')}`);
  }
}

// The broker's CPU in a round with LATEST by that with EVERY: as a whole, and of what each takes above the feed alone.
function ratios(results, protocol, few = '') {
  const cpu = (kind) => results[kind.trim()].map((result) => result.cpu);
  const [none, every, latest] = [cpu('none'), cpu(`${protocol} every ${few}`), cpu(`${protocol} latest ${few}`)];
  const whole = latest.map((value, i) => value / every[i]);
  const above = latest.map((value, i) => (value - none[i]) / (every[i] - none[i]));
  console.log(`${`${protocol} ${few}`.padEnd(8)} the broker's CPU with LATEST by that with EVERY: ${spread(whole)}; of what is above the feed alone: ${spread(above)}`);
  return median(whole);
}

// What must hold in all rounds of a kind.
function claims(kind, rounds) {
  const each = (what) => rounds.map(what);
  const lastMs = each((result) => result.lastMs ?? Infinity);
  claim(Math.max(...lastMs) <= kLastMs, `${kind}: each topic's last value was there ${Math.max(...lastMs).toFixed(0)} ms after the feed stopped`);
  claim(rounds.every(({ disorder }) => disorder === 0), `${kind}: values only became newer, none came twice`);
  if (kind.includes('every')) {
    const missing = each(({ count, published }) => published - count);
    return claim(missing.every((number) => number === 0), `${kind}: every update came, missing ${missing.join(', ')}`);
  }
  const most = Math.max(...each((result) => result.most));
  const least = Math.min(...each((result) => result.least));
  const [far, windowCount] = ['far', 'windows'].map((name) => each((result) => result[name]).reduce((a, b) => a + b));
  claim(most <= options.rate + 1 / options.seconds && far * 100 <= windowCount, `${kind}: at most ${options.rate} updates per topic and second `
    + `(of all topics the most: ${most.toFixed(2)}; ${far} of ${windowCount} windows above ${options.rate + 1})`);
  const wanted = Math.min(options.rate, Math.min(...each(({ fed }) => fed)) / options.topics);
  return claim(least >= wanted * 0.8, `${kind}: and not many fewer (of all topics the least: ${least.toFixed(2)})`);
}

async function one() {
  const results = Object.fromEntries(kKinds.map((kind) => [kind, []]));
  for (let round = 0; round < options.rounds; ++round) {
    for (const kind of round % 2 ? [...kKinds].reverse() : kKinds) {
      results[kind].push(await turn(kind, kind.endsWith(kFew) ? options.few : 1));
    }
  }
  console.log(`one dashboard on ${options.topics} topics, ${options.updates} updates/s in all; medians of ${options.rounds} rounds of ${options.seconds} s`);
  print(results);
  for (const protocol of ['json', 'raw']) ratios(results, protocol);
  const ratio = ratios(results, 'json', kFew);
  claim(ratio <= options.cpu, `${options.few} dashboards with LATEST take at most ${options.cpu} of the broker's CPU of as many with EVERY`);
  for (const kind of kKinds.slice(1)) claims(kind, results[kind]);
  return median(results.none.map(({ cpu }) => cpu));
}

async function many(feedCpu) {
  const count = Math.min(options.dashboards, filesMax() - 100);
  if (count < options.dashboards) console.log(`the limit of open files is ${filesMax()}: ${count} dashboards`);
  const result = await turn(`${options.protocol} latest`, count);
  const all = [...result.each, result.mean];
  console.log(`${count} dashboards, ${options.protocol}, rate ${options.rate}: broker ${result.cpu.toFixed(0)} % of a CPU, `
    + `${((result.cpu - feedCpu) / count).toFixed(3)} % for each dashboard; peak memory ${mebibytes(result.memory)}`);
  console.log(`  fed ${result.fed.toFixed(0)} updates/s, sent ${mebibytes(result.bytes)}/s; the process that counts them took ${result.crowdCpu.toFixed(0)} % of a CPU`);
  console.log(`  updates per topic and second that each got: ${spread(all)}`);
  if (median(all) < options.rate * 0.9) console.log(`  too much for this machine at full rate: that is what it gave`);
  claim(result.over === 0, `none of ${count} dashboards was cut off`);
  claim(Math.max(...all) <= options.rate + 1 / options.seconds, `none of ${count} got more than ${options.rate} updates per topic and second`);
  claim(result.lastMs !== undefined, `the one looked at had each topic's last value ${result.lastMs?.toFixed(0)} ms after the feed stopped`);
  claim(result.disorder === 0, 'and values only became newer for it');
}

console.log(machine(options.shards));
await many(await one());
conclude();
