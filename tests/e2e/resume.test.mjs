// Coming back: storms of clients that lose their connections while publishing goes on, and go on where they were; a
// broker that is restarted; `ringcast sub --resume-file`.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, it } from 'node:test';
import { Broker, onEachBackend } from './broker.mjs';
import { Client, closeAll, publish } from './client.mjs';
import { EventStream } from './event_stream.mjs';
import { Program, Signal, binary } from './program.mjs';
import { seeded } from './proxy.mjs';

const kClients = 200;
const kTopics = 8;
const kRounds = 4; // of losing half of the connections

const url = (broker) => `ws://127.0.0.1:${broker.port}/ws`;

// A program that follows a filter for ever, by the rules of PROTOCOL.md, and keeps account of what it is told.
class Follower {
  told = new Map(); // topic -> seq
  outcomes = { recovered: 0, conflated: 0, gap: 0 };
  wrong = []; // what must never happen
  received = new Map(); // origin -> position
  #whole = new Set(); // topics before whose next message nothing may be missing
  #changed = new Signal();

  constructor(broker, filter) {
    this.broker = broker;
    this.filter = filter;
  }

  async connect() {
    this.replaying = this.token !== undefined;
    if (!this.replaying) this.#whole.clear();
    const connection = await Client.open(url(this.broker), {
      protocols: ['ringcast.v1.json'],
      onMessage: (text) => this.client === connection && this.#hear(JSON.parse(text)),
    });
    this.client = connection;
    connection.send('{"hello":{"id":1,"features":["checkpoints"]}}');
    const received = [...this.received].map(([origin, position]) => ({ origin, position }));
    const resume = this.replaying && { start: 'resume', resume_token: this.token, ...(received.length > 0 && { received }) };
    this.begun = false;
    connection.send(JSON.stringify({ subscribe: { id: 2, filter: this.filter, ...resume } }));
  }

  // Without a word, as when a network goes away. What was sent and not read is lost.
  lose() {
    const { client } = this;
    this.client = undefined;
    client.ws.terminate();
  }

  until(check, what) {
    return this.#changed.until(() => check(this), what);
  }

  #hear(event) {
    const [[kind, body]] = Object.entries(event);
    if (kind === 'message') this.#take(body);
    else if (kind === 'checkpoint') this.#keep(body);
    else if (kind === 'snapshot_end') this.#end(body.resumed);
    else if (kind === 'subscribed') this.begun = true;
    else if (kind !== 'welcome') this.wrong.push(event);
    this.#changed.wake();
  }

  #keep({ token, epoch }) {
    if (epoch !== this.epoch) this.received.clear();
    [this.token, this.epoch, this.replayed] = [token, epoch, false];
  }

  #end(resumed) {
    this.replaying = false;
    if (resumed in this.outcomes) this.outcomes[resumed] += 1;
    else this.wrong.push({ resumed });
    if (resumed === 'recovered' && this.hole) this.wrong.push({ hole: this.hole });
    if (resumed === 'gap') this.#whole.clear();
    this.hole = undefined;
  }

  #take(message) {
    const last = this.told.get(message.topic) ?? 0;
    const live = message.mark === undefined;
    if (live && this.replaying) this.wrong.push({ early: message });
    if (message.seq <= last) {
      if (live || !this.replayed) this.wrong.push({ again: message, last });
      return; // of a replay that was cut short
    }
    if (message.seq > last + 1 && this.#whole.has(message.topic)) {
      if (live) this.wrong.push({ missing: message, last });
      else this.hole = { before: message, last };
    }
    this.told.set(message.topic, message.seq);
    this.#whole.add(message.topic);
    if (live) this.received.set(message.origin, message.position);
    else this.replayed = true;
  }
}

// Publishes to all topics in turn, as fast as acks allow, until stopped.
class Feed {
  sent = 0;
  last = new Map(); // topic -> seq

  static async start(broker) {
    const feed = new Feed();
    feed.client = await Client.open(url(broker), {
      protocols: ['ringcast.v1.json'],
      onMessage: (text) => feed.#hear(JSON.parse(text)),
    });
    for (let i = 0; i < 8; ++i) feed.#publish();
    return feed;
  }

  #publish() {
    this.sent += 1;
    this.client.send(JSON.stringify({ publish: { id: this.sent, topic: `storm/${this.sent % kTopics}`, text: `${this.sent}` } }));
  }

  #hear({ ack, error }) {
    assert.equal(error, undefined);
    this.last.set(`storm/${ack.id % kTopics}`, ack.seq);
    this.acked = (this.acked ?? 0) + 1;
    if (!this.stopped) setImmediate(() => this.#publish());
  }

  // How many of each topic there are.
  async stop() {
    this.stopped = true;
    await this.client.until(() => this.acked === this.sent, () => `${this.sent} acks, ${this.acked}`);
    return this.last;
  }
}

onEachBackend('coming back', (io) => {
  afterEach(closeAll);

  it(`storms of ${kClients} clients: no gap but told, nothing twice, nothing out of order`, { timeout: 120_000 }, async (t) => {
    const broker = await Broker.of(t, { io, args: ['--history', '100000'] });
    const random = seeded(7);
    const filters = ['storm/#', 'storm/+', 'storm/3'];
    const followers = Array.from({ length: kClients }, (_, i) => new Follower(broker, filters[i % 3]));
    const connectAll = (some) => Promise.all(some.map((follower) => follower.connect()));
    await connectAll(followers);
    await Promise.all(followers.map((one) => one.until(() => one.token, 'a checkpoint')));
    const feed = await Feed.start(broker);
    for (let round = 0; round < kRounds; ++round) {
      await Promise.all(followers.map((one) => one.until(() => !one.replaying && one.begun, 'the end of what was missed')));
      const lost = followers.filter(() => random() < 0.5);
      const target = feed.acked + 200;
      for (const one of lost) one.lose();
      await feed.client.until(() => feed.acked >= target, () => 'messages that are missed');
      await connectAll(lost);
      // Some are cut again while they are still being told what they missed.
      const again = lost.filter(() => random() < 0.3);
      for (const one of again) one.lose();
      await connectAll(again);
    }
    const last = await feed.stop();
    for (const one of followers) {
      const topics = [...last].filter(([topic]) => one.filter !== 'storm/3' || topic === 'storm/3');
      await one.until(() => topics.every(([topic, seq]) => one.told.get(topic) === seq), () => `the end of ${one.filter}`);
      assert.deepEqual(one.wrong, []);
      assert.equal(one.outcomes.gap + one.outcomes.conflated, 0);
    }
    const recovered = followers.reduce((sum, one) => sum + one.outcomes.recovered, 0);
    assert.ok(recovered >= kClients, `${recovered} were recovered`);
  });

  it('a restarted broker is a gap, then all that it has', async (t) => {
    const first = await Broker.start({ io });
    const follower = new Follower(first, 'storm/#');
    await follower.connect();
    await publish(first, 'storm/1', 'x');
    await follower.until(() => follower.token && follower.told.size === 1, 'a message');
    await first.stop();
    const second = await Broker.of(t, { io, port: first.port });
    for (const topic of ['storm/1', 'storm/2']) await publish(second, topic, 'y');
    follower.told.clear(); // another epoch counts anew
    await follower.connect();
    await follower.until(() => follower.outcomes.gap === 1, 'a gap');
    assert.deepEqual([...follower.told.keys()].sort(), ['storm/1', 'storm/2']);
    assert.deepEqual(follower.wrong, []);
  });

  it('an event stream goes on by its last id: nothing missing, or a gap', async (t) => {
    const broker = await Broker.of(t, { io, args: ['--history', '3'] });
    const open = (id) => EventStream.open(broker, 'sse/#', { fields: id ? { 'Last-Event-ID': id } : {} });
    const stream = await open();
    const begun = await stream.untilId('');
    await publish(broker, 'sse/a', '0');
    await stream.messages(1);
    const id = await stream.untilId(begun);
    stream.close();
    for (const text of ['1', '2', '3']) await publish(broker, 'sse/a', text);
    const back = await open(id);
    assert.deepEqual((await back.messages(3)).map((text) => JSON.parse(text).message.text), ['1', '2', '3']);
    assert.equal((await back.take(1))[0].event, 'recovered');
    back.close();
    await publish(broker, 'sse/a', '4');
    const late = await open(id);
    assert.deepEqual((await late.messages(3)).map((text) => JSON.parse(text).message.text), ['2', '3', '4']);
    assert.equal((await late.take(1))[0].event, 'gap');
    late.close();
  });

  it('ringcast sub goes on where an earlier run ended', async (t) => {
    const broker = await Broker.of(t, { io, args: ['--history', '100'] });
    const folder = mkdtempSync(join(tmpdir(), 'resume-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'sub.resume');
    const sub = (...args) => new Program(binary, ['sub', '--url', broker.url, 'cli/a', '--resume-file', file, ...args]);
    await publish(broker, 'cli/a', '0');
    const first = sub('--last');
    await first.output(/^0\n/);
    for (const text of ['1', '2']) await publish(broker, 'cli/a', text);
    await first.output(/2\n/);
    first.kill('SIGINT');
    assert.equal((await first.ended()).code, 0);
    assert.match(readFileSync(file, 'utf8'), /^cli\/a\t[0-9a-f]{16} \S+/);
    for (const text of ['3', '4']) await publish(broker, 'cli/a', text);
    const second = sub('--last');
    await second.line(/recovered/);
    await publish(broker, 'cli/a', '5');
    await second.output(/^3\n4\n5\n$/);
    second.kill('SIGINT');
    assert.equal((await second.ended()).code, 0);
  });
});
