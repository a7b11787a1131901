// What the log tells: one line for each event, with ids; of many of a kind how many; never what was published.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Broker, kPatient } from './broker.mjs';
import { Client, publish, request } from './client.mjs';
import { eventually } from './program.mjs';
import { FullClient, fullUrl } from './protocol/client.mjs';

const kSecret = 'a-payload-nobody-may-log';

describe('the log', { concurrency: true }, () => {
  it('tells who was closed for a fault, and who by an operator, by id and address', async (t) => {
    const broker = await Broker.of(t, { args: ['--max-message', '100B'] });
    const faulty = await Client.open(broker.topic('l/1'), { headers: { Authorization: 'Bearer very-secret' } });
    faulty.send(kSecret.repeat(20));
    assert.equal((await faulty.over()).code, 1009);
    const [, port] = await broker.line(/warning closed for a fault id=\d-\d+-\d+ protocol=raw address=127\.0\.0\.1:(\d+) code=1009 why="[^"]+"$/);
    assert.ok(Number(port) > 0);
    const kicked = await Client.open(broker.topic('l/2'));
    const { connections } = JSON.parse((await request(`${broker.adminUrl}/api/v1/connections?filter=l/2`)).body);
    const path = `${broker.adminUrl}/api/v1/connections/${connections[0].id}?code=4321&reason=enough%20now`;
    assert.equal((await request(path, { method: 'DELETE', headers: { 'X-Ringcast': '1' } })).status, 200);
    assert.equal((await kicked.over()).code, 4321);
    const line = `closed by an operator id=${connections[0].id} protocol=raw address=${connections[0].address} code=4321 why="enough now"`;
    await eventually(() => broker.lines.some((each) => each.endsWith(line)), 'the line of it');
    assert.ok(!broker.lines.some((each) => each.includes('fault') && each.includes('4321')), 'once');
    const good = await Client.open(broker.topic('l/3'));
    await good.close(1000);
    assert.ok(!broker.lines.some((each) => each.includes(kSecret) || each.includes('very-secret')));
  });

  it('tells ten of a kind and shard in a second, then how many more, as JSON too', async (t) => {
    const broker = await Broker.of(t, { shards: 1, args: ['--max-connections', '3', '--log-format', 'json'] });
    const clients = await Promise.all(Array.from({ length: 3 }, () => Client.open(broker.topic('c'))));
    const kRefused = 60;
    await Promise.all(Array.from({ length: kRefused }, async () => {
      assert.equal((await new Client(broker.topic('c')).refused()).status, 503);
    }));
    const told = () => broker.lines.map((line) => JSON.parse(line));
    const count = () => {
      const singles = told().filter(({ message }) => message.startsWith('connection refused'));
      const more = told().filter((line) => line.more).reduce((sum, line) => sum + line.more, 0);
      return singles.length + more;
    };
    await eventually(() => count() === kRefused, () => `${kRefused} in all; there are ${count()}`);
    const one = told().find(({ message }) => message.startsWith('connection refused'));
    assert.deepEqual([one.level, one.limit, one.protocol], ['warning', 3, 'http']);
    assert.match(one.id, /^0-\d+-\d+$/);
    const more = told().find((line) => line.more);
    assert.match(more.message, /^\d+ more like this: connection refused/);
    for (const client of clients) await client.close(1000);
  });

  it('tells who falls behind, and who has caught up', async (t) => {
    const broker = await Broker.of(t, { shards: 1, args: ['--max-outbox', '256KiB', '--max-message', '64KiB', ...kPatient.reading] });
    const slow = await FullClient.open(fullUrl(broker), { form: 'json' });
    await slow.subscribe('s/1', {});
    slow.client.ws.pause();
    const body = Buffer.alloc(60_000, kSecret);
    await eventually(async () => {
      await publish(broker, 's/1', body);
      return broker.lines.some((line) => /warning subscriber fell behind: newest values only id=0-\d+-\d+ protocol=json address=\S+ filter=s\/1 merged=\d+ owed_bytes=\d+$/.test(line));
    }, 'that it is told');
    slow.client.ws.resume();
    await broker.line(/info +subscriber caught up id=0-\d+-\d+ protocol=json address=\S+ filter=s\/1$/);
    assert.ok(!broker.lines.some((line) => line.includes(kSecret)));
    slow.close();
  });
});
