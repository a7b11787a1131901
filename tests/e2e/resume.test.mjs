// Coming back: subscribers whose connections break go on where they were, on 4 shards and both backends. Nothing is
// missing that nothing told of, nothing comes twice, removals are told; a restarted broker and a history that was too
// short are gaps.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, it } from 'node:test';
import { Broker, onEachBackend } from './broker.mjs';
import { Client, closeAll, publish, request } from './client.mjs';
import { EventStream } from './event_stream.mjs';
import { SocketFollower, StreamFollower } from './follower.mjs';
import { Program, binary } from './program.mjs';
import { FullClient, fullUrl } from './protocol/client.mjs';
import { seeded } from './proxy.mjs';

const kFollowers = 140;
const kTopics = 8;
const kCuts = 3; // of each follower, at least
const kStayMax = 150; // messages of all topics together that one follows, or is away, at a time
const kInFlight = 8; // publishes
const kAwayAtTheEnd = 100; // messages that come while nobody listens

const kFilters = ['storm/#', 'storm/+', 'storm/3'];
const kKinds = [
  (broker, filter) => new SocketFollower(broker, filter, { positions: true }),
  (broker, filter) => new SocketFollower(broker, filter),
  (broker, filter) => new SocketFollower(broker, filter, { form: 'proto', positions: true }),
  (broker, filter) => new SocketFollower(broker, filter, { delivery: 'latest' }),
  (broker, filter) => new SocketFollower(broker, filter, { delivery: 'latest', rate: 20, form: 'proto' }),
  (broker, filter) => new StreamFollower(broker, filter),
  (broker, filter) => new StreamFollower(broker, filter, { delivery: 'latest' }),
];
const all = (list, what) => Promise.all(list.map(what));

// Publishes to all topics in turn, as fast as it is acknowledged.
class Feed {
  acked = 0;
  last = new Map(); // topic -> {seq, text}
  #sent = 0;

  static async open(broker) {
    const feed = new Feed();
    feed.client = await Client.open(fullUrl(broker), {
      protocols: ['ringcast.v1.json'],
      onMessage: (text) => feed.#hear(JSON.parse(text)),
    });
    return feed;
  }

  #publish() {
    const id = (this.#sent += 1);
    this.client.send(JSON.stringify({ publish: { id, topic: `storm/${id % kTopics}`, text: `${id}` } }));
  }

  #hear({ ack, error }) {
    assert.equal(error, undefined);
    this.last.set(`storm/${ack.id % kTopics}`, { seq: ack.seq, text: `${ack.id}` });
    this.acked += 1;
    this.isDone ||= this.onAck();
    if (!this.isDone) setImmediate(() => this.isDone || this.#publish()); // acks come together: a later one may end it
  }

  // Until `onAck`, which is called after each acknowledgement, says so and all are acknowledged.
  async publishUntil(onAck) {
    Object.assign(this, { onAck, isDone: false });
    for (let i = 0; i < kInFlight; ++i) this.#publish();
    await this.client.until(() => this.isDone && this.acked === this.#sent, () => `${this.#sent} acks, there are ${this.acked}`);
  }

  async remove(broker, topic) {
    const { body } = await request(`${broker.url}/topics/${topic}`, { method: 'DELETE' });
    this.last.set(topic, { seq: JSON.parse(body).seq, text: undefined });
  }
}

onEachBackend('coming back', (io) => {
  afterEach(closeAll);

  it(`${kFollowers} subscribers that lose their connections again and again miss nothing and get nothing twice`, async (t) => {
    const broker = await Broker.of(t, { io, args: ['--history', '#=100000'] });
    const followers = Array.from({ length: kFollowers }, (_, i) => kKinds[i % kKinds.length](broker, kFilters[i % kFilters.length]));
    await all(followers, (one) => one.connect());
    await all(followers, (one) => one.until(() => one.isBegun, 'from where it can resume'));

    const random = seeded(7);
    const connecting = [];
    const feed = await Feed.open(broker);
    // Each stays for a while, is away for a while; some are cut again while they are told what they missed.
    await feed.publishUntil(() => {
      for (const one of followers) {
        one.moves ??= feed.acked + random() * kStayMax;
        if (feed.acked < one.moves || one.state === 'opening') continue;
        one.moves = feed.acked + random() * kStayMax;
        if (one.state === 'open') one.lose();
        else connecting.push(one.connect());
      }
      return followers.every(({ cuts }) => cuts >= kCuts);
    });
    await Promise.all(connecting);
    // What comes last, only resuming can bring.
    for (const one of followers) if (one.state === 'open') one.lose();
    const target = feed.acked + kAwayAtTheEnd;
    await feed.publishUntil(() => feed.acked >= target);
    await feed.remove(broker, 'storm/3');
    await all(followers, (one) => one.connect());
    await all(followers, (one) => one.until(() => one.has(feed.last), 'what was published last'));
    await all(followers, (one) => one.until(() => one.isComplete, 'what came of resuming'));

    const outcomes = { every: new Set(), latest: new Set() };
    for (const one of followers) {
      assert.deepEqual(one.wrong, [], `${one.constructor.name} of ${one.filter}, ${one.delivery}`);
      for (const outcome of one.outcomes) outcomes[one.delivery].add(outcome);
    }
    assert.deepEqual([...outcomes.every], ['recovered']);
    assert.ok(outcomes.latest.has('conflated') && !outcomes.latest.has('gap'), [...outcomes.latest].join());
  });

  it('a restarted broker is a gap, and then all that it has', async (t) => {
    const first = await Broker.start({ io });
    const followers = kKinds.map((kind) => kind(first, 'storm/#'));
    await all(followers, (one) => one.connect());
    await all(followers, (one) => one.until(() => one.isBegun, 'from where it can resume'));
    await publish(first, 'storm/1', 'x');
    await all(followers, (one) => one.until(() => one.told.size === 1, 'a message'));
    for (const one of followers) one.lose();
    await first.stop();

    const second = await Broker.of(t, { io });
    for (const topic of ['storm/1', 'storm/2']) await publish(second, topic, 'y');
    for (const one of followers) {
      const { point } = one;
      one.broker = second;
      one.told.clear(); // another epoch counts anew
      assert.equal(await one.resumed(), 'gap');
      await one.until(() => one.told.size === 2 && one.point !== point, 'what the new broker has, and from where to resume');
      assert.deepEqual([one.outcomes, one.wrong], [['gap'], []]);
      one.lose();
      assert.equal(await one.resumed(), 'recovered', 'from there on it goes on');
    }
  });

  it('what history does not keep is a gap; of latest it is not, as long as the newest is kept', async (t) => {
    const broker = await Broker.of(t, { io, args: ['--history', 'none/#=0', '--history', '#=3'] });
    for (const kind of kKinds) {
      const followers = ['kept/a', 'kept/+', 'none/a'].map((filter) => kind(broker, filter));
      const [exact, wild, none] = followers;
      await all(followers, (one) => one.connect());
      await all(followers, (one) => one.until(() => one.isBegun, 'from where it can resume'));
      for (const one of followers) one.lose();
      assert.deepEqual(await all(followers, (one) => one.resumed()), ['recovered', 'recovered', 'recovered'], 'nothing was published');
      for (const one of followers) one.lose();
      let seq = 0;
      for (const text of ['1', '2', '3', '4']) {
        seq = await publish(broker, 'kept/a', text);
        await publish(broker, 'none/a', text);
      }
      for (const one of [exact, wild]) {
        assert.equal(await one.resumed(), one.delivery === 'latest' ? 'conflated' : 'gap');
        assert.equal(one.told.get('kept/a').seq, seq);
      }
      assert.equal(await none.resumed(), 'gap');
      assert.equal(none.told.size, 0);
      for (const one of followers) {
        assert.deepEqual(one.wrong, []);
        one.lose();
      }
    }
  });

  it('removals are told, of topics that somebody removed and of those whose time was over', async (t) => {
    const broker = await Broker.of(t, { io, args: ['--history', 'short/#=10;ttl:200ms', '--history', '#=10'] });
    const witness = await FullClient.open(fullUrl(broker));
    await witness.subscribe('short/#');
    const followers = kKinds.flatMap((kind) => ['long/a', 'short/#'].map((filter) => kind(broker, filter)));
    await all(followers, (one) => one.connect());
    await all(followers, (one) => one.until(() => one.isBegun, 'from where it can resume'));
    for (const one of followers) one.lose();
    for (const topic of ['long/a', 'short/a']) await publish(broker, topic, 'value');
    await request(`${broker.url}/topics/long/a`, { method: 'DELETE' });
    await witness.heard(({ op }) => op === 'remove');
    for (const one of followers) {
      assert.equal(await one.resumed(), one.delivery === 'latest' ? 'conflated' : 'recovered');
      const topic = one.filter === 'long/a' ? 'long/a' : 'short/a';
      assert.deepEqual([...one.told], [[topic, { seq: 2, text: undefined }]]);
      assert.deepEqual(one.wrong, []);
    }
  });

  it('a subscription begins at a time', async (t) => {
    const longAgo = (Date.now() - 3_600_000) * 1000;
    const broker = await Broker.of(t, { io, args: ['--history', '#=4'] });
    const witness = await FullClient.open(fullUrl(broker));
    await witness.subscribe('#');
    for (const text of ['1', '2', '3', '4', '5']) await publish(broker, 'a', text);
    await witness.heard(({ seq }) => seq === 5);
    const times = witness.messages.map(({ time_us }) => time_us); // never falling, and not always rising
    const [, , third, , fifth] = times;
    const since = async (filter, since_us, delivery) => {
      const client = await FullClient.open(fullUrl(broker));
      const subscription = await client.subscribe(filter, { start: 'since_time', since_us, ...(delivery && { delivery }) });
      const { resumed } = await client.event('snapshot_end');
      for (const message of client.messages) assert.equal(message.subscription, subscription);
      return [client.messages.map(({ seq, mark }) => `${mark} ${seq}`), resumed];
    };
    for (const filter of ['a', '#']) {
      for (const since_us of [third, third + 1, fifth + 1]) {
        const after = times.flatMap((time_us, i) => (time_us >= since_us ? [`replay ${i + 1}`] : []));
        assert.deepEqual(await since(filter, since_us), [after, 'recovered']);
      }
      assert.deepEqual(await since(filter, longAgo), [['replay 2', 'replay 3', 'replay 4', 'replay 5'], 'gap'], 'it was not there yet');
      assert.deepEqual(await since(filter, third, 'latest'), [['snapshot 5'], 'conflated']);
      const isAlone = times[3] < fifth;
      assert.deepEqual(await since(filter, fifth, 'latest'), [['snapshot 5'], isAlone ? 'recovered' : 'conflated']);
    }
  });

  it('an event stream goes on by its last id, also with curl', async (t) => {
    const broker = await Broker.of(t, { io, args: ['--history', '#=3'] });
    const stream = await EventStream.open(broker, 'sse/a');
    await publish(broker, 'sse/a', 'heard');
    const [heard] = await stream.take(1);
    assert.equal(heard.data, 'heard');
    const id = await stream.untilId(heard.id); // the next is behind it
    stream.close();
    for (const text of ['one', 'two', 'three']) await publish(broker, 'sse/a', text);
    const curl = () => {
      const program = new Program('curl', ['-sSN', '-H', 'Accept: text/event-stream', '-H', `Last-Event-ID: ${id}`, `${broker.url}/topics/sse/a`]);
      t.after(() => program.kill());
      return program;
    };
    await curl().output(/^retry: \d+\n\ndata: one\n\ndata: two\n\ndata: three\n\nevent: recovered\ndata: .*\n\nid: [-\w]+\n\n$/);
    await publish(broker, 'sse/a', 'four');
    await curl().output(/^retry: \d+\n\ndata: two\n\ndata: three\n\ndata: four\n\nevent: gap\ndata: {"reason":"forgotten".*\n\nid: [-\w]+\n\n$/);
  });

  it('ringcast sub goes on where an earlier run ended', async (t) => {
    const broker = await Broker.of(t, { io, args: ['--history', '#=100'] });
    const folder = mkdtempSync(join(tmpdir(), 'resume-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'sub.resume');
    const sub = () => new Program(binary, ['sub', '--url', broker.url, 'cli/a', '--resume-file', file, '--last']);
    await publish(broker, 'cli/a', '0');
    const first = sub();
    await first.output(/^0\n/);
    for (const text of ['1', '2']) await publish(broker, 'cli/a', text);
    await first.output(/2\n/);
    first.kill('SIGINT');
    assert.equal((await first.ended()).code, 0);
    assert.match(readFileSync(file, 'utf8'), /^cli\/a\t[0-9a-f]{16} \S+/);
    for (const text of ['3', '4']) await publish(broker, 'cli/a', text);
    const second = sub();
    await second.line(/recovered/);
    await publish(broker, 'cli/a', '5');
    await second.output(/^3\n4\n5\n$/);
    second.kill('SIGINT');
    assert.equal((await second.ended()).code, 0);
  });
});
