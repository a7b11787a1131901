// node followers.mjs URL COUNT: so many subscribers and one publisher on the broker at URL, until the broker has been replaced by
// another and all have come back. Says `open` when all hear something; at the end what became of them. Exit code 1: a fault, which is named.
//
// Of each ten subscribers six are the JavaScript client with JSON, two with Protocol Buffers, and two raw WebSockets that do nothing
// but open again.
import { createRequire } from 'node:module';

import { connect } from '../../../web/client/index.js';
import { faults } from './judge.mjs';

const { WebSocket } = createRequire(new URL('../../../web/package.json', import.meta.url))('ws');
const [url, count] = [process.argv[2], Number(process.argv[3])];
const topics = Array.from({ length: 5 }, (_, i) => `rollout/${i}`);
const kPublishEveryMs = 50; // to each topic
const kAfterwardsMs = 1_000; // published on when all are back
const kPatienceMs = 180_000;
const kFaultsShown = 10;

// A WebSocket that tells its follower of its end, if it was open at all: a try that is refused is none.
function socketOf(follower) {
  return class extends WebSocket {
    constructor(address, protocols) {
      super(address, protocols, { perMessageDeflate: false });
      this.on('error', () => {}); // a close follows
      this.on('open', () => follower.opened(this));
      this.on('close', (code) => this.wasOpen && follower.closed(code));
    }
  };
}

// What it hears, in the form that the judge wants.
class Follower {
  heard = [];
  lives = [];
  closes = [];
  closedAt = undefined;
  awayMs = 0;

  constructor(index) {
    this.topic = topics[index % topics.length];
    this.kind = ['json', 'json', 'json', 'json', 'json', 'json', 'proto', 'proto', 'raw', 'raw'][index % 10];
    this.name = `${this.kind} ${index}`;
    this.Socket = socketOf(this);
    if (this.kind === 'raw') this.#openRaw();
    else this.#openClient();
  }

  opened(socket) {
    socket.wasOpen = true;
    if (this.closedAt !== undefined) this.awayMs = performance.now() - this.closedAt;
  }

  closed(code) {
    this.closes.push(code);
    this.closedAt = performance.now();
  }

  #hears(topic, number) {
    this.heard.push({ topic, number, life: this.lives.at(-1)?.life });
  }

  #openClient() {
    this.client = connect(url, { protocol: this.kind, WebSocket: this.Socket });
    let told = false;
    const subscription = this.client.subscribe(this.topic, (message) => this.#hears(message.topic, message.data));
    subscription.addEventListener('gap', () => (told = true));
    subscription.addEventListener('subscribed', ({ detail: { epoch } }) => {
      if (this.lives.at(-1)?.epoch === epoch) return;
      this.lives.push({ life: epoch, epoch, told });
      told = false;
    });
  }

  // A raw subscriber has no epoch: each connection is a life, and its end tells of the gap. `epoch` is found out below.
  #openRaw() {
    const socket = new this.Socket(`${url.replace('http', 'ws')}/topics/${this.topic}`, []);
    socket.on('open', () => this.lives.push({ life: `connection ${this.lives.length + 1}`, epoch: undefined, told: true }));
    socket.on('message', (data) => this.#hears(this.topic, JSON.parse(data)));
    socket.on('close', () => !this.isEnded && setTimeout(() => this.#openRaw(), 50 + 450 * Math.random()));
    this.socket = socket;
  }

  get isBack() {
    return this.lives.length > 1 && this.heard.at(-1)?.life === this.lives.at(-1).life;
  }

  hasUpTo(number) {
    return this.heard.at(-1)?.number >= number;
  }

  end() {
    this.isEnded = true;
    this.client?.close({ timeoutMs: 0 });
    this.socket?.terminate();
  }
}

// Numbers from 1 to every topic, and what was acknowledged of them.
class Publisher {
  acked = [];
  errors = [];
  number = 0;
  #client = connect(url, { WebSocket: socketOf({ opened: () => {}, closed: () => {} }), name: 'publisher' });
  #timer = setInterval(() => this.#publish(), kPublishEveryMs);

  #publish() {
    const number = ++this.number;
    for (const topic of topics) {
      this.#client.publish(topic, number).then(
        ({ epoch, maybeTwice }) => this.acked.push({ topic, number, epoch, maybeTwice }),
        (error) => this.errors.push(`publisher: ${error.code}: ${error.message}`),
      );
    }
  }

  // Until everything has an answer.
  async stop() {
    clearInterval(this.#timer);
    await this.#client.close({ timeoutMs: kPatienceMs });
  }
}

async function until(check, what) {
  const deadline = performance.now() + kPatienceMs;
  while (!check()) {
    if (performance.now() > deadline) return console.log(`not within ${kPatienceMs / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

// A raw subscriber's connections are to the brokers whose messages came on them.
function epochsOfRaw(followers, acked) {
  const epochs = new Map(acked.map(({ topic, number, epoch }) => [`${topic} ${number}`, epoch]));
  for (const follower of followers.filter(({ kind }) => kind === 'raw')) {
    for (const life of follower.lives) {
      const known = follower.heard.find((one) => one.life === life.life && epochs.has(`${one.topic} ${one.number}`));
      if (known !== undefined) life.epoch = epochs.get(`${known.topic} ${known.number}`);
    }
  }
}

function summary(followers, { acked, number }) {
  const codes = {};
  for (const code of followers.flatMap(({ closes }) => closes)) codes[code] = (codes[code] ?? 0) + 1;
  const away = followers.map(({ awayMs }) => awayMs).sort((a, b) => a - b);
  const seconds = (ms) => (ms / 1000).toFixed(1);
  const told = followers.filter(({ kind, lives }) => kind !== 'raw' && lives.slice(1).some((life) => life.told)).length;
  console.log(`${followers.length} subscribers were closed with ${JSON.stringify(codes)}, were away for ${seconds(away[away.length >> 1])} s ` +
    `(half of them) to ${seconds(away.at(-1))} s; of those with a protocol for it ${told} were told of a gap`);
  const heard = followers.reduce((sum, follower) => sum + follower.heard.length, 0);
  console.log(`${number * topics.length} messages published, ${acked.length} acknowledged by ${new Set(acked.map(({ epoch }) => epoch)).size} ` +
    `brokers, ${acked.filter(({ maybeTwice }) => maybeTwice).length} of them maybe twice; ${heard} deliveries`);
}

const publisher = new Publisher();
const followers = Array.from({ length: count }, (_, i) => new Follower(i));
await until(() => followers.every(({ heard }) => heard.length > 0), 'all hear something');
console.log('open');
await until(() => followers.every(({ isBack }) => isBack), 'all are back');
await new Promise((resolve) => setTimeout(resolve, kAfterwardsMs));
await publisher.stop();
await until(() => followers.every((follower) => follower.hasUpTo(publisher.number)), 'all heard the last message');
for (const follower of followers) follower.end();
epochsOfRaw(followers, publisher.acked);
summary(followers, publisher);
const found = [...publisher.errors, ...faults(followers, publisher.acked)];
for (const fault of found.slice(0, kFaultsShown)) console.log(fault);
console.log(`${found.length} faults`);
process.exit(found.length === 0 ? 0 : 1);
