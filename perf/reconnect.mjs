// perf/reconnect's work.
//
// Thousands of clients of the full protocol, each with one subscription: four of five to one topic, the fifth to two by
// a wildcard. They keep the tokens of their checkpoints, and up to where they have each origin's live messages. In the
// middle of the feed all connections are cut at once; each client comes back at a random moment and resumes. The feed
// goes on, but half of its topics end while most clients are away, so that only resuming can bring their last values.
//
// On a fresh broker the n in each value is its message's seq. So a client knows of each topic what it has had; what it
// missed without being told, or got twice, is counted, and at the end it must have what was published last.
//
// All clients are this one process. The feed's rate rises only as far as it has time to spare: clients that cannot keep up
// do not answer pings either, and are cut off before their time. The rate that was used is printed.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { Broker, filesMax, machine } from './broker.mjs';
import { Feed, topicOf } from './feed.mjs';
import { mebibytes, tail } from './figures.mjs';
import { claim, conclude, eventually, settings, sleep } from './show.mjs';
import { Socket } from './socket.mjs';

const options = settings('perf/reconnect: what do clients miss that lose their connections and resume?', {
  clients: [5000, 200, 'clients'],
  topics: [500, 20, 'topics; an even number'],
  rate: [1000, 200, 'messages per second, of all topics together'],
  rounds: [1, 1, 'rounds, each with EVERY and with LATEST, each on a broker of its own'],
  warm: [2, 0.5, 'seconds at each rate before the cut: an eighth of the full one, then twice as much, up to it'],
  spread: [1200, 1000, 'milliseconds over which the clients come back'],
  within: [2000, 2000, 'milliseconds after the cut, within which each must be connected and have asked'],
  latest: [5, 5, 'updates per topic and second that clients with LATEST want'],
  history: [1000, 1000, 'messages that each topic keeps'],
  shards: [2, 2, "the broker's: so many origins"],
});

const kAtOnce = 100; // connections being opened at the beginning
const kRetireMs = 300; // after the cut
const kPatienceMs = 30_000; // for what must happen
const kAgainMs = 500;
const kBusyMax = 0.6; // of the time that this process may be busy before the cut: coming back takes more
const kFirstShare = 8; // of the rate that the feed begins with
const kSettleMs = 500; // after a change of the rate
const kSubscription = 2; // its id

class Client {
  last = new Map(); // topic's number -> n of its newest
  token;
  received = new Map(); // origin -> position of its newest live message since the token
  lagging = false; // newest values come in place of messages, in any order: `received` says nothing of them
  mayRepeat = false; // some of what came since the token comes again: of openings, and while it lagged
  holes = new Set(); // "topic n" that did not come
  told = new Set(); // the same, of which a Lag said so
  isToldMore = false; // a Lag did not name all
  missed = 0; // messages that an outcome told of
  doubled = 0;
  older = 0; // older than what it had
  strange = 0; // n is not seq: the judge itself is wrong
  replayed = 0;
  codes = []; // of connections that the broker ended

  constructor(index, delivery) {
    const topic = index % options.topics;
    const isWild = index % 5 === 4;
    this.topics = isWild ? [topic & ~1, topic | 1] : [topic];
    this.filter = isWild ? `feed/${topic >> 1}/+` : topicOf(topic);
    this.delivery = delivery;
  }

  // Opens a connection and subscribes, from the token if there is one; until it has all that it begins with.
  async connect(port) {
    const onEvent = (name, event) => socket === this.socket && this[`_${name}`]?.(event);
    const onOver = () => socket === this.socket && this.#back(port);
    const socket = new Socket(port, '/ws', { json: true, onEvent, onOver });
    this.socket = socket;
    this.asked = performance.now();
    this.outcome = undefined;
    try {
      await socket.opened;
    } catch {
      return; // #back() tries again
    }
    socket.send({ hello: { id: 1, features: ['checkpoints'] } });
    socket.send({ subscribe: this.#subscribe() });
    this.sent = performance.now();
  }

  // The broker has ended the connection: again, like any client.
  async #back(port) {
    this.codes.push(this.socket.closeCode);
    this.lagging = false;
    this.socket = undefined;
    await sleep(Math.random() * kAgainMs);
    await this.connect(port);
  }

  #subscribe() {
    const subscribe = { id: kSubscription, filter: this.filter, delivery: this.delivery };
    if (this.delivery === 'latest') subscribe.max_rate_hz = options.latest;
    if (!this.token) return subscribe;
    Object.assign(subscribe, { start: 'resume', resume_token: this.token });
    if (this.delivery === 'every' && this.received.size > 0) {
      subscribe.received = [...this.received].map(([origin, position]) => ({ ...(origin && { origin }), position }));
    }
    return subscribe;
  }

  cut() {
    const { socket } = this;
    this.lagging = false;
    this.socket = undefined;
    socket?.cut();
    this.subscribed = undefined;
  }

  _welcome({ features = [] }) {
    if (!features.includes('checkpoints')) throw new Error('the broker does not grant checkpoints');
  }

  _error(event) {
    throw new Error(`${this.filter} was refused: ${JSON.stringify(event)}`);
  }

  _subscribed() {
    this.subscribed = performance.now();
  }

  _snapshot_end({ resumed }) {
    this.recovered = performance.now();
    this.outcome = resumed ?? 'unspecified';
    if (this.outcome !== 'gap') return;
    this.missed += this.holes.size;
    this.holes.clear();
  }

  _checkpoint({ subscriptions = [], token }) {
    if (subscriptions.length > 0 && !subscriptions.includes(kSubscription)) return; // none named: for all that have begun
    this.token = token;
    this.received.clear();
    this.mayRepeat &&= this.lagging;
  }

  _lag({ ranges = [], more_ranges, caught_up }) {
    this.lagging = !caught_up;
    this.isToldMore ||= more_ranges === true;
    for (const { topic, first_seq: first, last_seq: last } of ranges) {
      for (let n = first; n <= last; ++n) this.told.add(`${numberOf(topic)} ${n}`);
    }
  }

  _message({ seq, json: { t, n }, origin = 0, position, mark }) {
    if (seq !== n) this.strange += 1;
    if (mark) this.replayed += 1;
    else if (!this.lagging) this.received.set(origin, position);
    const had = this.last.get(t);
    if (had !== undefined && n <= had) this.#again(t, n, had, mark);
    this.mayRepeat ||= mark !== undefined || this.lagging;
    if (had !== undefined && n <= had) return;
    if (had !== undefined && this.delivery === 'every') {
      for (let hole = had + 1; hole < n; ++hole) this.holes.add(`${t} ${hole}`);
    }
    this.last.set(t, n);
  }

  // What comes again, or late in a replay. With LATEST the newest value may: `received` is for EVERY.
  #again(t, n, had, mark) {
    if (mark && this.holes.delete(`${t} ${n}`)) return;
    if (mark && (this.mayRepeat || (this.delivery === 'latest' && n === had))) return;
    if (n < had) this.older += 1;
    else this.doubled += 1;
  }

  // What it misses and was not told of.
  silent() {
    return this.isToldMore ? [] : [...this.holes].filter((hole) => !this.told.has(hole));
  }

  has(last) {
    return this.topics.every((t) => this.last.get(t) === last[t]);
  }
}

const numberOf = (topic) => Number(topic.split('/').at(-1));
const filesLeft = filesMax() - 100;

async function connectAll(clients, port) {
  for (let at = 0; at < clients.length; at += kAtOnce) {
    await Promise.all(clients.slice(at, at + kAtOnce).map((client) => client.connect(port)));
  }
  if (!await eventually(() => clients.every(({ subscribed }) => subscribed), kPatienceMs)) throw new Error('not all subscriptions were answered');
}

// All connections at once; each client comes back at its own moment. When that was, and how many messages went by.
async function cutAll(clients, port, feed) {
  const fed = await feed.count();
  const at = performance.now();
  for (const client of clients) client.cut();
  const took = performance.now() - at;
  const back = clients.map((client) => sleep(Math.random() * options.spread).then(() => client.connect(port)));
  await sleep(kRetireMs);
  await feed.retireOdd();
  await Promise.all(back);
  await eventually(() => clients.every(({ outcome }) => outcome), kPatienceMs);
  return { at, took, away: (await feed.count()) - fed };
}

// Doubles the feed's rate up to the one asked for, as long as this process keeps up with it. {rate, utilization: of this
// process, 0 to 1}.
async function warm(feed) {
  let chosen;
  for (let rate = Math.ceil(options.rate / kFirstShare); ; rate = Math.min(2 * rate, options.rate)) {
    await feed.setRate(rate);
    await sleep(kSettleMs);
    const before = performance.eventLoopUtilization();
    await sleep(options.warm * 1000);
    const { utilization } = performance.eventLoopUtilization(before);
    if (chosen && utilization > kBusyMax) break;
    chosen = { rate, utilization };
    if (rate === options.rate || 2 * utilization > kBusyMax) return chosen;
  }
  await feed.setRate(chosen.rate);
  await sleep(kSettleMs);
  return chosen;
}

async function turn(delivery, config) {
  const args = ['--config', config];
  const broker = await Broker.start({ build: options.build, shards: options.shards, args });
  const count = Math.min(options.clients, filesLeft);
  const clients = Array.from({ length: count }, (_, index) => new Client(index, delivery));
  await connectAll(clients, broker.port);
  const feed = await Feed.start(broker.port, options.topics, options.rate / kFirstShare);
  await eventually(() => clients.every(({ token, last, topics }) => token && last.size === topics.length), kPatienceMs);
  const warmed = await warm(feed);

  const tokens = clients.filter(({ token }) => token).length;
  const held = clients.filter(({ received }) => received.size > 0).length;
  const early = lossesOf(clients);
  for (const client of clients) Object.assign(client, { replayed: 0, codes: [] });
  const before = broker.cpuNs();
  const cut = await cutAll(clients, broker.port, feed);
  const cpu = broker.cpuNs() - before;
  await sleep(1000);
  const { last } = await feed.stop();
  await eventually(() => clients.every((client) => client.has(last)), kPatienceMs);
  const result = { ...judged(clients, last), ...cut, ...warmed, early, tokens, held, memory: broker.memory().peak_bytes, cpu };
  for (const client of clients) client.cut();
  await broker.stop();
  return { ...result, delivery, clients, count };
}

// Connections that the broker ended, as it may when this machine is too slow for so many: "3 with 4008, 1 without a code".
function lossesOf(clients) {
  const counts = new Map();
  for (const code of clients.flatMap(({ codes }) => codes)) counts.set(code, (counts.get(code) ?? 0) + 1);
  return Array.from(counts, ([code, count]) => `${count} ${code ? `with ${code}` : 'without a code'}`).join(', ');
}

function judged(clients, last) {
  const sum = (name) => clients.reduce((total, client) => total + client[name], 0);
  return {
    ...Object.fromEntries(['doubled', 'older', 'strange', 'replayed', 'missed'].map((name) => [name, sum(name)])),
    late: lossesOf(clients),
    told: clients.reduce((total, { holes, told }) => total + [...holes].filter((hole) => told.has(hole)).length, 0),
    stale: clients.filter((client) => !client.has(last)).length,
    // Clients with holes of which neither a Lag nor an outcome told.
    silent: clients.filter((client) => client.silent().length > 0),
  };
}

function report(result) {
  const { clients, at, delivery } = result;
  const outcomes = {};
  for (const { outcome } of clients) outcomes[outcome ?? 'none'] = (outcomes[outcome ?? 'none'] ?? 0) + 1;
  const back = Math.max(...clients.map(({ sent }) => sent)) - at;
  const done = clients.filter(({ recovered }) => recovered);
  console.log(`${delivery.toUpperCase()}: ${result.count} clients cut within ${result.took.toFixed(0)} ms, ${result.tokens} of them with a token, `
    + `${result.held} with live messages after it`);
  console.log(`  rate ${result.rate} messages/s, at which this process was busy ${(100 * result.utilization).toFixed(0)}% of the time`
    + (result.rate < options.rate ? `: ${options.rate} would have been too many` : ''));
  console.log(`  the last one was connected and had asked ${back.toFixed(0)} ms after the cut; ${result.away} messages were published until all had recovered`);
  console.log(`  ${result.replayed} messages sent by resuming; the broker took ${(result.cpu / 1e9).toFixed(2)} s of CPU from the cut until all had recovered, `
    + `peak memory ${mebibytes(result.memory)}`);
  for (const [losses, when] of [[result.early, 'before the cut'], [result.late, 'after the cut']]) {
    if (losses) console.log(`  ${when} the broker ended connections, which the clients opened again: ${losses}`);
  }
  console.log(`  outcome: ${Object.entries(outcomes).map(([name, count]) => `${name} ${count}`).join(', ')}`);
  console.log(`  time to recover, from connecting to snapshot_end: ${tail(done.map(({ asked, recovered }) => recovered - asked), ' ms')}`);
  console.log(`  from the cut to snapshot_end:                     ${tail(done.map(({ recovered }) => recovered - at), ' ms')}`);
  claim(result.tokens === result.count, 'each client had a token');
  claim(back <= options.within, `all were connected and had asked within ${options.within} ms`);
  claim(!outcomes.none && !outcomes.unspecified && !outcomes.gap, 'each was told how its resuming ended, none with a gap');
  claim(result.strange === 0, 'n is seq, as the judge supposes');
  claim(result.older === 0, 'none got an older message than it had');
  claim(result.stale === 0, `each had at the end what was published last in each topic (${result.stale} had not)`);
  claim(result.doubled === 0, `no message came twice (${result.doubled} did)`);
  if (delivery === 'latest') return;
  const [first] = result.silent;
  claim(!first, `no silent gap: ${result.told} messages that Lag told of and ${result.missed} before a gap did not come`
    + (first ? `; ${result.silent.length} clients were told nothing, one of ${first.silent()[0]} (topic and n)` : ''));
  claim(outcomes.recovered === result.count, 'and all was recovered: history reached far enough');
}

console.log(machine(options.shards));
console.log(`limit of open files ${filesMax()}; ${options.topics} topics, ${options.rate} messages/s in all`);
if (options.clients > filesLeft) console.log(`which allows ${filesLeft} clients`);
const directory = mkdtempSync(join(os.tmpdir(), 'reconnect-'));
process.on('exit', () => rmSync(directory, { recursive: true }));
const config = join(directory, 'ringcast.toml');
writeFileSync(config, `[[history]]\nfilter = "feed/#"\nlast = ${options.history}\n`);
for (let round = 0; round < options.rounds; ++round) {
  for (const delivery of ['every', 'latest']) report(await turn(delivery, config));
}
conclude();
