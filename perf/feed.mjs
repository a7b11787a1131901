// Feed: a publisher as a process of its own, so that whoever judges it does not hold it up.
//
// Its parent starts it by Feed.start(). Topic i gets values {"t":i,"n":1}, {"t":i,"n":2} …: on a fresh broker n is the
// message's seq. Topics are published to in turn, in batches of the full protocol's JSON form.

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { keep } from './broker.mjs';
import { sleep } from './show.mjs';
import { Socket } from './socket.mjs';

const kTickMs = 4;
const kBatchMax = 1000; // the protocol allows 1,024
const kAheadBytes = 1024 * 1024; // of what the broker has not read yet

export const topicOf = (i) => `feed/${i >> 1}/${i}`; // two topics share a middle level

// The parent's side.
export class Feed {
  static async start(port, topics, rateHz) {
    const feed = new Feed();
    feed.child = keep(fork(fileURLToPath(import.meta.url), [`${port}`, `${topics}`, `${rateHz}`]));
    await feed.#answer('ready');
    return feed;
  }

  // Messages published so far.
  async count() {
    return (await this.#ask('count')).count;
  }

  // Messages per second from now on.
  async setRate(rateHz) {
    await this.#ask('rate', { rateHz });
  }

  // From now on topics of odd numbers are not published to any more; the others get all the rate.
  async retireOdd() {
    await this.#ask('retire');
  }

  // Ends it: {last: [n of each topic's newest value], count, seconds}, all of them acknowledged.
  async stop() {
    const result = await this.#ask('stop');
    this.child.disconnect();
    return result;
  }

  #ask(what, more) {
    this.child.send({ what, ...more });
    return this.#answer(what);
  }

  #answer(to) {
    return new Promise((resolve, reject) => {
      this.child.once('exit', () => reject(new Error('the feed ended')));
      const look = (message) => {
        if (message.to !== to) return;
        this.child.off('message', look);
        resolve(message);
      };
      this.child.on('message', look);
    });
  }
}

// The child's side.
class Publisher {
  #count = 0;
  #next = 0; // the topic whose turn it is
  #step = 1;
  #acks = 0;
  #stopping = false;

  constructor(socket, topics, rateHz) {
    Object.assign(this, { socket, rateHz, last: new Array(topics).fill(0) });
    socket.onEvent = (name, event) => {
      if (name === 'ack') this.#acks += 1;
      if (name === 'error') throw new Error(`a publish was refused: ${JSON.stringify(event)}`);
    };
  }

  #message(topic, id = 0) {
    this.last[topic] += 1;
    this.#count += 1;
    const value = `{"t":${topic},"n":${this.last[topic]},"price":${(this.#count * 7919) % 100_000}}`;
    return `{${id ? `"id":${id},` : ''}"topic":"${topicOf(topic)}","json":${value}}`;
  }

  #batch(size) {
    const messages = [];
    for (let i = 0; i < size; ++i) {
      messages.push(this.#message(this.#next));
      this.#next = (this.#next + this.#step) % this.last.length;
    }
    this.socket.send(`{"publish_batch":{"messages":[${messages.join(',')}]}}`);
  }

  async run() {
    const begun = performance.now();
    let at = begun;
    let due = 0; // by now, that were neither published nor given up because the broker did not take more
    while (!this.#stopping) {
      const now = performance.now();
      due += ((now - at) * this.rateHz) / 1000;
      at = now;
      while (due >= 1) {
        const size = Math.min(kBatchMax, Math.floor(due));
        if (this.socket.socket.writableLength < kAheadBytes) this.#batch(size);
        due -= size;
      }
      await sleep(kTickMs);
    }
    this.seconds = (performance.now() - begun) / 1000;
  }

  // Once more to each topic that is not retired, and until all of those are acknowledged.
  async #finish() {
    this.#stopping = true;
    let asked = 0;
    for (let topic = 0; topic < this.last.length; topic += this.#step) {
      asked += 1;
      this.socket.send(`{"publish_batch":{"messages":[${this.#message(topic, asked)}]}}`);
    }
    while (this.#acks < asked) await sleep(kTickMs);
  }

  async answer({ what, rateHz }) {
    if (what === 'rate') this.rateHz = rateHz;
    if (what === 'retire') {
      this.#step = 2;
      this.#next -= this.#next % 2;
    }
    if (what === 'stop') await this.#finish();
    process.send({ to: what, count: this.#count, ...(what === 'stop' && { last: this.last, seconds: this.seconds }) });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [port, topics, rateHz] = process.argv.slice(2).map(Number);
  const publisher = new Publisher(await Socket.open(port, '/ws', { json: true, onEvent: () => {} }), topics, rateHz);
  process.on('message', (asked) => publisher.answer(asked));
  process.on('disconnect', () => process.exit(0));
  process.send({ to: 'ready' });
  publisher.run();
}
