// The configuration read again while the broker runs: by SIGHUP and by POST /api/v1/reload, all of it or nothing.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Broker, onEachBackend } from './broker.mjs';
import { Client, publish, request } from './client.mjs';
import { eventually } from './program.mjs';
import { FullClient, fullUrl } from './protocol/client.mjs';

const folder = mkdtempSync(join(tmpdir(), 'ringcast-reload-'));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
// A broker that has read this file, which the test writes anew.
async function start(t, text, options = {}) {
  const file = join(folder, `${++files}.toml`);
  writeFileSync(file, text);
  const broker = await Broker.of(t, { ...options, args: ['--config', file, ...(options.args ?? [])] });
  broker.file = file;
  return broker;
}

const kHeaders = { 'X-Ringcast': '1' };

// What POST says of the new text.
async function reload(broker, text) {
  writeFileSync(broker.file, text);
  const { status, body } = await request(`${broker.adminUrl}/api/v1/reload`, { method: 'POST', headers: kHeaders });
  return { status, ...JSON.parse(body) };
}

const values = async (broker) => {
  const { options } = JSON.parse((await request(`${broker.adminUrl}/api/v1/config`)).body);
  return Object.fromEntries(options.map(({ name, value }) => [name, value]));
};

const status = async (broker, topic, bytes) =>
  (await request(`${broker.url}/topics/${topic}`, { method: 'POST', body: Buffer.alloc(bytes, 'x') })).status;

const texts = (client, topic) => client.messages.filter((one) => one.topic === topic).map(({ payload }) => payload.toString());

onEachBackend('reload', (io) => {
  it('takes new limits, for whoever is connected already too, and says what changed', async (t) => {
    const broker = await start(t, 'max-message = "1000B"\nmax-connections = 100\nlog-level = "info"\n', { io });
    const raw = await Client.open(broker.topic('r/1'));
    raw.send(Buffer.alloc(1000, 'x'));
    await raw.has(1);
    const said = await reload(broker, 'max-message = "2000B"\nmax-connections = 100\nlog-level = "debug"\nshards = 7\nio = "epoll"\n');
    assert.equal(said.status, 200);
    assert.deepEqual(said.changed, [
      { option: 'max-message', from: '1000B', to: '2000B' },
      { option: 'log-level', from: 'info', to: 'debug' },
    ]);
    assert.deepEqual(said.needs_restart, []); // flags go before the file, and they say shards and io
    raw.send(Buffer.alloc(2000, 'x'));
    await raw.has(2);
    assert.equal(await status(broker, 'r/1', 2000), 200);
    assert.equal(await status(broker, 'r/1', 2001), 413);
    await broker.line(/configuration reloaded changed=2 needs_restart=0/);
    await broker.line(/changed max-message: 1000B -> 2000B/);
    assert.equal(JSON.parse((await request(`${broker.adminUrl}/api/v1/log-level`)).body).level, 'debug');
    const lowered = await reload(broker, 'max-message = "10B"\nreceive-buffer = "8KiB"');
    assert.deepEqual(lowered.changed.map(({ option }) => option).sort(), ['log-level', 'max-connections', 'max-message']);
    assert.deepEqual(lowered.needs_restart, [{ option: 'receive-buffer', from: '4KiB', to: '8KiB' }]);
    assert.equal(await status(broker, 'r/1', 10), 200);
    raw.send(Buffer.alloc(11, 'x'));
    assert.equal((await raw.over()).code, 1009);
    const after = await values(broker);
    assert.deepEqual([after['max-message'], after['max-connections'], after['receive-buffer']], ['10B', '100000', '4KiB']);
  });

  it('takes other history rules: what is kept goes at once where less is to be kept', async (t) => {
    const broker = await start(t, 'history-last = 5\n[[history]]\nfilter = "h/#"\nlast = 4\n', { io });
    for (let i = 0; i < 6; ++i) {
      for (const topic of ['h/1', 'o/1']) await publish(broker, topic, `${i}`);
    }
    const kept = async (topic) => {
      const client = await FullClient.open(fullUrl(broker), { form: 'json' });
      const id = await client.subscribe(topic, { start: 'last_n', last_count: 100 });
      await client.event('snapshot_end', (end) => end.subscription === id);
      client.close();
      return texts(client, topic);
    };
    assert.deepEqual([await kept('h/1'), await kept('o/1')], [['2', '3', '4', '5'], ['1', '2', '3', '4', '5']]);
    const said = await reload(broker, 'history-last = 2\n[[history]]\nfilter = "h/#"\nlast = 0\n');
    assert.equal(said.status, 200, JSON.stringify(said));
    assert.deepEqual(said.notes, []);
    assert.deepEqual([await kept('h/1'), await kept('o/1')], [[], ['4', '5']]);
    assert.equal((await request(`${broker.url}/topics/h/1`)).status, 404);
    await reload(broker, 'history-last = 3\n');
    for (const topic of ['h/1', 'o/1', 'new']) await publish(broker, topic, 'again');
    assert.deepEqual([await kept('h/1'), await kept('o/1'), await kept('new')], [['again'], ['4', '5', 'again'], ['again']]);
  });

  it('refuses who is one too many by the new limit, and closes nobody', async (t) => {
    const broker = await start(t, 'max-connections = 4\n', { io, shards: 1 });
    const clients = await Promise.all(Array.from({ length: 4 }, () => Client.open(broker.topic('c'))));
    assert.equal((await new Client(broker.topic('c')).refused()).status, 503);
    assert.equal((await reload(broker, 'max-connections = 5\n')).status, 200);
    clients.push(await Client.open(broker.topic('c')));
    assert.equal((await new Client(broker.topic('c')).refused()).status, 503);
    assert.equal((await reload(broker, 'max-connections = 3\n')).status, 200);
    for (const client of clients) await client.roundTrip();
    for (const client of clients.splice(0, 3)) await client.close(1000);
    clients.push(await eventually(() => Client.open(broker.topic('c')).catch(() => false), 'room for a third'));
    assert.equal((await new Client(broker.topic('c')).refused()).status, 503);
    clients[0].send('to all that are left');
    for (const client of clients) await client.has(1);
  });
});

describe('reload', { concurrency: true }, () => {
  it('by SIGHUP; with a mistake in the file nothing changes, and one line says where it is', async (t) => {
    const broker = await start(t, 'max-message = "1KiB"\n');
    const before = await values(broker);
    const wrong = 'max-message = "2KiB"\nmax-conections = 7\nhistory-last = -1\n';
    const said = await reload(broker, wrong);
    assert.equal(said.status, 422);
    assert.equal(said.error, 'bad_configuration');
    assert.equal(said.errors.length, 2);
    assert.match(said.errors[0], /\.toml:2:1: unknown key "max-conections"; did you mean "max-connections"\?$/);
    assert.match(said.errors[1], /\.toml:3:16: /);
    broker.kill('SIGHUP');
    const isLine = (line) => /not reloaded, nothing was changed: .*\.toml:2:1: .*did you mean .* mistakes=2/.test(line);
    await eventually(() => broker.lines.filter(isLine).length === 2, 'a line for each');
    assert.deepEqual(await values(broker), before);
    const tooBig = await request(`${broker.url}/topics/x`, { method: 'POST', body: Buffer.alloc(1025) });
    assert.equal(tooBig.status, 413);
    rmSync(broker.file);
    broker.kill('SIGHUP');
    await broker.line(/not reloaded, nothing was changed: .*cannot be read/);
    writeFileSync(broker.file, 'max-message = "2KiB"\n');
    broker.kill('SIGHUP');
    await broker.line(/changed max-message: 1KiB -> 2KiB/);
    await publish(broker, 'x', Buffer.alloc(2048));
  });

  it('without a file changes nothing, and one that cannot be read twice is left alone', async (t) => {
    const broker = await Broker.of(t, { args: ['--max-topics', '77'] });
    const said = await request(`${broker.adminUrl}/api/v1/reload`, { method: 'POST', headers: kHeaders });
    assert.deepEqual(JSON.parse(said.body), { changed: [], needs_restart: [], notes: [] });
    assert.equal((await values(broker))['max-topics'], '77');
    const page = await request(`${broker.adminUrl}/api/v1/reload`, { method: 'POST' });
    assert.equal(page.status, 415); // as a page's form would
    const command = ['sh', '-c', 'exec "$@" <<END\nmax-topics = 78\nEND', 'sh']; // dash makes a pipe of it
    const piped = await Broker.of(t, { args: ['--config', '/dev/stdin'], command });
    assert.equal((await values(piped))['max-topics'], '78');
    piped.kill('SIGHUP');
    await piped.line(/not reloaded, nothing was changed: \/dev\/stdin: is no file that can be read a second time/);
    assert.equal((await values(piped))['max-topics'], '78');
  });

  it('again and again, while messages pass, loses none of them', async (t) => {
    const broker = await start(t, 'history-last = 100\n');
    const subscriber = await Client.open(broker.topic('#'));
    let on = true;
    const publishing = (async () => {
      for (let i = 0; on || i < 200; ++i) {
        await publish(broker, `p/${i % 10}`, `${i}`);
        if (i >= 200 && !on) return i + 1;
      }
      return 200;
    })();
    for (let i = 0; i < 20; ++i) {
      const text = `history-last = ${1 + (i * 7) % 100}\nmax-topics = ${1000 + i}\n[[history]]\nfilter = "p/${i % 3}"\nlast = ${i % 4}\n`;
      assert.equal((await reload(broker, text)).status, 200);
    }
    on = false;
    const count = await publishing;
    await subscriber.has(count);
    assert.deepEqual(subscriber.inbox.map(Number).sort((a, b) => a - b), Array.from({ length: count }, (_, i) => i));
  });
});
