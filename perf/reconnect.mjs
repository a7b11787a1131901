// perf/reconnect's work.
//
// Thousands of clients of the full protocol, each with one subscription: four of five to one topic, the fifth to two by
// a wildcard. They keep the tokens of their checkpoints, and up to where they have each origin's live messages. In the
// middle of the feed all connections are cut at once; each client comes back at a random moment and resumes. The feed
// goes on, but half of its topics end while most clients are away, so that only resuming can bring their last values.
//
// On a fresh broker the n in each value is its message's seq. So a client knows of each topic what it has had; what it
// missed without being told, or got twice, is counted, and at the end it must have what was published last.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { Broker, filesMax, machine } from './broker.mjs';
import { Feed, topicOf } from './feed.mjs';
import { mebibytes, spread, tail } from './figures.mjs';
import { claim, conclude, eventually, settings, sleep } from './show.mjs';
import { Socket } from './socket.mjs';

const options = settings('perf/reconnect: what do clients miss that lose their connections and resume?', {
  clients: [5000, 200, 'clients'],
  topics: [500, 20, 'topics; an even number'],
  rate: [1000, 200, 'messages per second, of all topics together'],
  rounds: [1, 1, 'rounds, each with EVERY and with LATEST, each on a broker of its own'],
  warm: [3, 1.5, 'seconds before the cut, once all are connected'],
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
const kSubscription = 2; // its id

class Client {
  last = new Map(); // topic's number -> n of its newest
  token;
  received = new Map(); // origin -> position of its newest live message since the token
  lagged = false; // since the token: then `received` says nothing
  missed = 0; // messages, by holes in n
  told = 0; // of them, by Lag
  doubled = 0;
  older = 0; // older than what it had
  strange = 0; // n is not seq: the judge itself is wrong
  replayed = 0;
  lost = 0; // connections that the broker ended, as it may when this machine is too slow for so many
  isBroken = false; // an opening broke off: what it began with comes again, until the next checkpoint

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
    this.lost += 1;
    this.isBroken ||= this.outcome === undefined;
    this.socket = undefined;
    await sleep(Math.random() * kAgainMs);
    await this.connect(port);
  }

  #subscribe() {
    const subscribe = { id: kSubscription, filter: this.filter, delivery: this.delivery };
    if (this.delivery === 'latest') subscribe.max_rate_hz = options.latest;
    if (!this.token) return subscribe;
    Object.assign(subscribe, { start: 'resume', resume_token: this.token });
    if (this.delivery === 'every' && !this.lagged && this.received.size > 0) {
      subscribe.received = [...this.received].map(([origin, position]) => ({ ...(origin && { origin }), position }));
    }
    return subscribe;
  }

  cut() {
    const { socket } = this;
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
  }

  _checkpoint({ subscriptions = [], token }) {
    if (subscriptions.length > 0 && !subscriptions.includes(kSubscription)) return; // none named: for all that have begun
    this.token = token;
    this.received.clear();
    this.lagged = false;
    this.isBroken = false;
  }

  _lag({ merged = 0, skipped = 0 }) {
    this.told += merged + skipped;
    this.lagged = true;
  }

  _message({ seq, json: { t, n }, origin = 0, position, mark }) {
    if (seq !== n) this.strange += 1;
    if (mark) this.replayed += 1;
    else this.received.set(origin, position);
    const had = this.last.get(t);
    if (had !== undefined && n <= had) {
      // What came after the last checkpoint comes again with LATEST: `received` is for EVERY.
      const mayComeAgain = mark && (this.isBroken || (this.delivery === 'latest' && n === had));
      if (!mayComeAgain && n < had) this.older += 1;
      else if (!mayComeAgain) this.doubled += 1;
      return;
    }
    if (had !== undefined && n > had + 1) {
      this.missed += n - had - 1;
      this.hole ??= `topic ${t}: ${had}, then ${n} (${mark ?? 'live'}, opening ${this.outcome ?? 'under way'})`;
    }
    this.last.set(t, n);
  }

  has(last) {
    return this.topics.every((t) => this.last.get(t) === last[t]);
  }
}

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

async function turn(delivery, config) {
  const args = ['--config', config];
  const broker = await Broker.start({ build: options.build, shards: options.shards, args });
  const count = Math.min(options.clients, filesLeft);
  const clients = Array.from({ length: count }, (_, index) => new Client(index, delivery));
  await connectAll(clients, broker.port);
  const feed = await Feed.start(broker.port, options.topics, options.rate);
  await eventually(() => clients.every(({ token, last, topics }) => token && last.size === topics.length), kPatienceMs);
  await sleep(options.warm * 1000);

  const tokens = clients.filter(({ token }) => token).length;
  const held = clients.filter(({ received }) => received.size > 0).length;
  const before = broker.cpuNs();
  const cut = await cutAll(clients, broker.port, feed);
  const cpu = broker.cpuNs() - before;
  await sleep(1000);
  const { last, count: published, seconds } = await feed.stop();
  await eventually(() => clients.every((client) => client.has(last)), kPatienceMs);
  const result = { ...judged(clients, last), ...cut, tokens, held, published, seconds, memory: broker.memory().peak_bytes, cpu };
  for (const client of clients) client.cut();
  await broker.stop();
  return { ...result, delivery, clients, count };
}

function judged(clients, last) {
  const sum = (name) => clients.reduce((total, client) => total + client[name], 0);
  return {
    ...Object.fromEntries(['doubled', 'older', 'strange', 'replayed', 'missed', 'told', 'lost'].map((name) => [name, sum(name)])),
    stale: clients.filter((client) => !client.has(last)).length,
    // Holes that neither a Lag nor the outcome tells of.
    silent: clients.filter(({ missed, told, outcome }) => missed > told && outcome !== 'conflated' && outcome !== 'gap'),
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
  console.log(`  the last one was connected and had asked ${back.toFixed(0)} ms after the cut; feed: ${(result.published / result.seconds).toFixed(0)} messages/s, `
    + `${result.away} until all had recovered`);
  console.log(`  ${result.replayed} messages sent by resuming; the broker took ${(result.cpu / 1e9).toFixed(2)} s of CPU from the cut until all had recovered, `
    + `peak memory ${mebibytes(result.memory)}`);
  if (result.lost > 0) console.log(`  ${result.lost} connections ended by the broker, which its clients opened again`);
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
  claim(result.silent.length === 0, `no silent gap: ${result.missed} messages missed, ${result.told} of them told by Lag`
    + (result.silent.length > 0 ? `; ${result.silent.length} clients were told nothing, one of ${result.silent[0].hole}` : ''));
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
