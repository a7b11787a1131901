// Clients that others wrote, with and without compression: npm's `ws`, Python's `websockets` and curl. Chromium's are in
// browser.test.mjs.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, it } from 'node:test';
import { constants, inflateRawSync } from 'node:zlib';
import { Broker, kPatient, onEachBackend } from './broker.mjs';
import { Client, closeAll, publish } from './client.mjs';
import { Program, eventually, root, run } from './program.mjs';

const kMiB = 1024 * 1024;
const kPython = '/usr/bin/python3'; // Debian's, which has Debian's packages

function whatPythonLacks() {
  try {
    execFileSync(kPython, ['-c', 'import websockets'], { stdio: 'pipe' });
    return false;
  } catch {
    return `${kPython} has no websockets (Debian: python3-websockets)`;
  }
}
const kNoPython = whatPythonLacks();

onEachBackend('clients of others', (io) => {
  let broker;
  before(async () => (broker = await Broker.start({ io, args: kPatient.lingering })));
  afterEach(closeAll);
  after(() => broker.stop());

  for (const compressing of [false, true]) {
    const how = compressing ? 'with compression' : 'without compression';
    const extension = compressing ? 'permessage-deflate' : '';

    it(`npm's ws ${how}`, async () => {
      const perMessageDeflate = compressing && { threshold: 0 };
      const client = await Client.open(broker.topic('clients/ws'), { perMessageDeflate });
      assert.equal(client.ws.extensions, extension);
      const messages = ['héllo 🛰 '.repeat(100), Buffer.from([0, 255, 128]), '', Buffer.alloc(0), 'x'.repeat(kMiB), Buffer.alloc(kMiB, 'bytes')];
      for (const message of messages) {
        client.send(message);
        assert.deepEqual(await client.next(), message);
      }
      client.send('frag', { fin: false }).send('men', { fin: false }).send('', { fin: false }).send('ted 🛰');
      assert.equal(await client.next(), 'fragmented 🛰');
      client.send(Buffer.from([0]), { fin: false }).send(Buffer.alloc(1000, 255), { fin: true });
      assert.deepEqual(await client.next(), Buffer.concat([Buffer.from([0]), Buffer.alloc(1000, 255)]));
      assert.equal(await client.roundTrip('are you there?'), 'are you there?');
      assert.deepEqual(await client.close(4321, 'bye'), { code: 4321, reason: '' });

      const larger = await Client.open(broker.topic('clients/ws'), { perMessageDeflate });
      larger.send('x'.repeat(kMiB + 1));
      assert.equal((await larger.over()).code, 1009);
    });

    it(`Python's websockets ${how}`, { skip: kNoPython }, async () => {
      const script = join(root, 'tests/e2e/echo_client.py');
      const ended = await run(kPython, [script, broker.topic('clients/python'), compressing ? 'deflate' : 'plain']);
      assert.equal(ended.code, 0, ended.lines.join('\n'));
      assert.equal(ended.out.trim(), extension || 'none');
    });

    it(`curl --include ${how}`, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'ringcast-curl-'));
      t.after(() => rmSync(folder, { recursive: true }));
      const file = join(folder, 'heard');
      const fields = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];
      if (compressing) fields.push(`Sec-WebSocket-Extensions: ${extension}`);
      const options = ['--silent', '--include', '--no-buffer', '--max-time', '120', '--output', file];
      const message = 'to whom it may concern: '.repeat(30);
      await publish(broker, 'clients/curl', message);
      // What curl was sent it writes to the file when the first frame has come.
      const curl = new Program('curl', [...options, ...fields.flatMap((field) => ['--header', field]), `${broker.url}/topics/clients/curl?last=1`]);
      const heard = () => {
        try {
          return readFileSync(file);
        } catch {
          return Buffer.alloc(0); // not yet made
        }
      };
      const headEnd = (await eventually(() => heard().indexOf('\r\n\r\n') + 1, '101 by curl')) + 3;
      const head = heard().subarray(0, headEnd).toString();
      assert.match(head, /^HTTP\/1\.1 101 /);
      assert.match(head, /\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/); // RFC 6455 §1.3
      assert.equal(/\r\nSec-WebSocket-Extensions: permessage-deflate\b/.test(head), compressing);
      const text = await eventually(() => textOf(heard().subarray(headEnd)), 'a message by curl');
      assert.deepEqual(text, { compressed: compressing, payload: message });
      curl.kill();
      await curl.ended();
    });
  }
});

// The text message of one frame that `bytes` begins with; nothing while it is not whole.
function textOf(bytes) {
  if (bytes.length < 4 || bytes.length < 2 + bytes[1]) return undefined;
  assert.equal(bytes[0] & 0xbf, 0x81);
  const compressed = (bytes[0] & 0x40) !== 0;
  const [head, size] = bytes[1] < 126 ? [2, bytes[1]] : [4, bytes.readUInt16BE(2)];
  if (bytes.length < head + size) return undefined;
  const body = bytes.subarray(head, head + size);
  const tail = Buffer.from([0, 0, 0xff, 0xff]);
  const payload = compressed ? inflateRawSync(Buffer.concat([body, tail]), { finishFlush: constants.Z_SYNC_FLUSH }) : body;
  return { compressed, payload: payload.toString() };
}
