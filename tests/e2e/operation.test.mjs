// How the broker starts, refuses to start, and ends.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Broker, backends, onEachBackend } from './broker.mjs';
import { Client, closeAll, publish, request } from './client.mjs';
import { Program, binary, run } from './program.mjs';
import { FullClient, fullUrl } from './protocol/client.mjs';
import { Peer } from './wire.mjs';

// It failed with `code` and one line, in which a person finds what to do.
function assertRefused(end, code, line) {
  assert.equal(end.code, code, end.lines.join('\n'));
  assert.equal(end.lines.length, 1, end.lines.join('\n'));
  assert.match(end.lines[0], line);
}

// What the kernel says of the broker and of each of its threads.
const threadsOf = ({ pid }) => readdirSync(`/proc/${pid}/task`).map((thread) => readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8'));

onEachBackend('a broker that gives up what it does not need', (io) => {
  it('is confined in all its threads, serves, is reloaded and drained', async (t) => {
    const broker = await Broker.of(t, { io, args: ['--sandbox', 'on'] });
    for (const status of threadsOf(broker)) assert.match(status, /^NoNewPrivs:\t1\nSeccomp:\t2$/m);
    const client = await Client.open(broker.topic('confined/topic'));
    await publish(broker, 'confined/topic', 'here');
    assert.deepEqual(await client.has(1), ['here']);
    broker.kill('SIGHUP');
    await broker.line(/configuration reloaded/);
    broker.kill('SIGTERM');
    assert.equal((await client.over()).code, 1012);
  });

  it('is another user than root, also in a sandbox', { skip: process.getuid() !== 0 && 'only root can' }, async (t) => {
    const broker = await Broker.of(t, { io, args: ['--user', 'nobody', '--sandbox', 'on'] });
    for (const status of threadsOf(broker)) assert.doesNotMatch(status, /^[UG]id:.*\t0\b/m);
    await publish(broker, 'nobody/topic', 'here');
    const { body } = await request(`${broker.adminUrl}/metrics`);
    assert.match(`${body}`, /^process_open_fds [1-9]/m);
  });
});

describe('a broker that cannot start', () => {
  let folder;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'ringcast-'))));
  after(() => rmSync(folder, { recursive: true }));

  const file = (name, text) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };

  it('says that the port is in use, also by another broker of the same user', async (t) => {
    const first = await Broker.of(t);
    const end = await run(binary, ['serve', '--listen', `127.0.0.1:${first.port}`, '--admin', '127.0.0.1:0', '--shards', '4']);
    assertRefused(end, 1, new RegExp(`127\\.0\\.0\\.1:${first.port}.*in use`));
    assert.equal((await request(`${first.url}/`)).status, 200);
  });

  it('says that there is no such user', async () => {
    const end = await run(binary, ['serve', '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--user', 'nobody-is-called-so']);
    assertRefused(end, 1, process.getuid() === 0 ? /user nobody-is-called-so: there is no such user/ : /only root/);
  });

  it('names what is wrong on the command line and in the environment', async () => {
    for (const [args, line] of [
      [['--shards', '0'], /--shards: "0" .*1 to 64/],
      [['--shards', '65'], /--shards: "65"/],
      [['--shards', 'many'], /--shards: "many"/],
      [['--shard', '4'], /--shard\b.*did you mean "--shards"/],
      [['--io', 'kqueue'], /--io: "kqueue".*auto.*uring.*epoll/],
      [['--listen', 'everywhere'], /--listen: "everywhere"/],
      [['--listen', '127.0.0.1:65536'], /--listen: .*65536/],
      [['--max-message', '1GiB'], /--max-message: "1GiB".*64MiB/],
      [['--max-message', '8MiB'], /max-outbox is 4MiB.*8MiB.*at least 8256KiB/],
      [['--ping-interval', '5'], /--ping-interval: "5"/],
      [['--receive-buffers', '100'], /--receive-buffers: "100".*power of two/],
      [['--history', 'a/#/b=5'], /--history.*last level/],
      [['surplus'], /surplus/],
      [['--config'], /--config/],
    ]) {
      assertRefused(await run(binary, ['serve', ...args]), 2, line);
    }
    for (const [name, value, line] of [
      ['RINGCAST_SHARDS', '0', /RINGCAST_SHARDS.*"0"/],
      ['RINGCAST_SHARDZ', '4', /RINGCAST_SHARDZ.*did you mean "RINGCAST_SHARDS"/],
    ]) {
      assertRefused(await run(binary, ['serve'], { env: { [name]: value } }), 2, line);
    }
  });

  it('names the file and the line of a bad configuration, and check-config does too', async () => {
    for (const [text, line] of [
      ['log-level = "info"\n\nshardz = 4\n', /:3:1: .*"shardz".*did you mean "shards"/],
      ['shards = 0\n', /:1:\d+: .*shards/],
      ['shards = 1\nmax-message = "lots"\n', /:2:\d+: .*max-message/],
      ['shards = [\n', /:\d+:\d+: .*array/],
      ['shards = 1\nshards = 2\n', /:2:\d+: .*shards/],
      ['[[history]]\nfilter = "a/#/b"\nlast = 5\n', /:1:\d+: .*'#' is the last level/],
      ['max-message = "8MiB"\n', /max-outbox.*8MiB/],
      ['\xff\xfe', /:1:\d+: /],
    ]) {
      const name = file('bad.toml', Buffer.from(text, 'latin1'));
      const end = await run(binary, ['serve', '--config', name]);
      assertRefused(end, 2, line);
      assert.ok(end.lines[0].includes(name) || text.startsWith('max-message'), end.lines[0]);
      assert.deepEqual((await run(binary, ['check-config', name])).lines, end.lines);
    }
    for (const name of [join(folder, 'none.toml'), folder]) {
      assertRefused(await run(binary, ['serve', '--config', name]), 2, /cannot be read: /);
      assertRefused(await run(binary, ['check-config', name]), 2, /cannot be read: /);
    }
  });

  it('says with check-config what a good configuration changes', async () => {
    const good = file('good.toml', 'shards = 3\n[[history]]\nfilter = "chat/#"\nlast = 100\n');
    const end = await run(binary, ['check-config', good]);
    assert.deepEqual([end.code, end.lines], [0, []]);
    assert.match(end.out, /shards = 3/);
    assert.match(end.out, /chat\/#/);
  });

  it('takes a file, and the environment before it, and the flags before that', async (t) => {
    const config = file('order.toml', 'listen = "127.0.0.1:1"\nshards = 1\nmax-message = "2KiB"\nlog-format = "json"\n');
    const program = new Program(binary, ['serve', '--config', config, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'], { env: { RINGCAST_SHARDS: '3' } });
    t.after(() => program.kill('SIGKILL'));
    const [line] = await program.line(/^\{.*ready on.*\}$/);
    const url = line.match(/http:\/\/[^/]+/)[0];
    assert.match(line, /3 shards/);
    assert.equal((await request(`${url}/topics/a`, { method: 'POST', body: 'x'.repeat(2048) })).status, 200);
    assert.equal((await request(`${url}/topics/a`, { method: 'POST', body: 'x'.repeat(2049) })).status, 413);
    program.kill();
    assert.equal((await program.ended()).code, 0);
    for (const text of program.lines) assert.doesNotThrow(() => JSON.parse(text), text);
  });
});

describe('where io_uring is refused', () => {
  let helper;
  let folder;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ringcast-'));
    helper = join(folder, 'forbid_io_uring');
    const source = fileURLToPath(new URL('forbid_io_uring.c', import.meta.url));
    const compiled = await run('cc', ['-o', helper, source]);
    assert.equal(compiled.code, 0, compiled.lines.join('\n'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('says why in one line, with the remedy, and runs on epoll', async (t) => {
    const broker = await Broker.of(t, { io: 'auto', command: [helper] });
    assert.equal(broker.io, 'epoll');
    const told = broker.lines.filter((line) => /io_uring/.test(line));
    assert.equal(told.length, 1, told.join('\n'));
    assert.match(told[0], /epoll.*seccomp.*profile/);
    const client = await Client.open(broker.topic('still/works'));
    client.send('as ever');
    assert.equal(await client.next(), 'as ever');
    await client.close(1000);
  });

  it('does not start under --io uring', async () => {
    const end = await run(helper, [binary, 'serve', '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--shards', '4', '--io', 'uring']);
    assertRefused(end, 1, /io_uring.*seccomp/);
  });

  it('says nothing of it where io_uring works', { skip: backends[0].refused }, async (t) => {
    const broker = await Broker.of(t, { io: 'auto' });
    assert.equal(broker.io, 'io_uring');
    assert.deepEqual(broker.lines.filter((line) => /epoll|warn/.test(line)), []);
  });
});

onEachBackend('a broker that is told to end', (io) => {
  afterEach(closeAll);

  // Publishes all, so that the broker owes it: what was acknowledged is delivered. What it has only read it may refuse.
  async function publishAll(broker, topic, payloads) {
    const client = await FullClient.open(fullUrl(broker), { form: 'proto' });
    await Promise.all(payloads.map((payload) => client.publish(topic, payload)));
    return client;
  }

  it('sends 100 clients the 1,000 messages that they are owed, then 1012, and exits with 0', async () => {
    const broker = await Broker.start({ io });
    const clients = await Promise.all(Array.from({ length: 100 }, () => Client.open(broker.topic('end/topic'))));
    const idle = new Peer(broker.port).write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await idle.response();
    for (const client of clients) client.ws.pause();
    const sent = Array.from({ length: 1000 }, (_, i) => `message ${i} ${'x'.repeat(100)}`);
    const producer = await publishAll(broker, 'end/topic', sent);
    const idleEnd = idle.end();
    broker.kill('SIGTERM');
    await broker.line(/draining/);
    for (const client of clients) client.ws.resume();
    for (const client of [...clients, producer]) {
      const { code, reason } = await client.over();
      assert.equal(code, 1012);
      assert.match(reason, /restart/);
    }
    for (const client of clients) assert.deepEqual(client.inbox, sent);
    assert.equal(await idleEnd, 'FIN');
    await broker.stop();
  });

  it('waits for slow clients too', async () => {
    const broker = await Broker.start({ io, args: ['--drain-deadline', '10m'] });
    const slow = await Promise.all(Array.from({ length: 5 }, () => Peer.open(broker, 'end/slow')));
    for (const peer of slow) peer.socket.pause();
    // 3 MB: more than the kernel takes for each
    await publishAll(broker, 'end/slow', Array.from({ length: 50 }, (_, i) => Buffer.alloc(60_000, i)));
    broker.kill('SIGINT');
    await broker.line(/draining/);
    for (const peer of slow) peer.socket.resume();
    for (const peer of slow) {
      for (let i = 0; i < 50; ++i) assert.deepEqual((await peer.message()).payload, Buffer.alloc(60_000, i));
      assert.equal((await peer.closeFrame()).code, 1012);
      assert.equal(await peer.end(), 'FIN');
    }
    await broker.stop();
  });

  // A subscriber that is owed much and reads nothing: it holds the end up for as long as it may.
  async function startStuck(deadline) {
    const broker = await Broker.start({ io, args: ['--drain-deadline', deadline, '--max-outbox', '64MiB'] });
    const stuck = await Peer.open(broker, 'end/stuck');
    stuck.socket.pause();
    await publishAll(broker, 'end/stuck', Array(32).fill(Buffer.alloc(1000 * 1000)));
    return { broker, stuck };
  }

  it('waits for the dead as long as --drain-deadline, and not at all when it is told twice', async () => {
    const patient = await startStuck('1h');
    const impatient = await startStuck('300ms');
    patient.broker.kill('SIGTERM');
    await patient.broker.line(/draining/);
    patient.broker.kill('SIGHUP'); // says nothing about the end
    await impatient.broker.stop();
    assert.equal(patient.broker.exit, undefined, 'the other, told before, still waits');
    await patient.broker.stop('SIGTERM');
    for (const { stuck } of [patient, impatient]) stuck.reset();
  });

  it('does not end on SIGHUP', async () => {
    const broker = await Broker.start({ io });
    broker.kill('SIGHUP');
    await publish(broker, 'end/hup', 'still here');
    await broker.stop('SIGINT');
  });
});
