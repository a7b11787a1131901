// TLS on both ports, against other people's TLS: OpenSSL's client, curl, Node, Python, and our own client.

import assert from 'node:assert/strict';
import { copyFileSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { Broker, onEachBackend } from './broker.mjs';
import { Certificates } from './certificates.mjs';
import { kMissing, launch, watchedPage } from './chromium.mjs';
import { Client, closeAll } from './client.mjs';
import { Program, binary, curl, eventually, root, run, within } from './program.mjs';

let files;
let server;
let other;
let robot;
before(async () => {
  files = await Certificates.make();
  server = await files.sign('server', { subject: 'localhost', names: 'DNS:localhost,IP:127.0.0.1' });
  other = await files.sign('other', { subject: 'other.example', names: 'DNS:other.example' });
  robot = await files.sign('robot', { subject: 'robot-7' });
});
after(() => files.remove());
afterEach(closeAll);

const kReady = /TLS on https:\/\/127\.0\.0\.1:(\d+)\//;
const kOperatorsReady = /operators' port over TLS on 127\.0\.0\.1:(\d+)/;

async function start(t, { args = [], ...options } = {}) {
  const pairs = [server, other].flatMap((one) => ['--tls-cert', one.certificate, '--tls-key', one.key]);
  const listens = ['--tls-listen', '127.0.0.1:0', '--admin-tls-listen', '127.0.0.1:0'];
  const broker = await Broker.start({ ...options, args: [...listens, ...pairs, ...args] });
  if (t) t.after(() => broker.stop());
  const port = (pattern) => Number(broker.lines.join('\n').match(pattern)[1]);
  broker.tls = { port: port(kReady), adminPort: port(kOperatorsReady) };
  broker.tls.url = `https://localhost:${broker.tls.port}`;
  broker.tls.topic = (path) => `wss://localhost:${broker.tls.port}/topics/${path}`;
  return broker;
}

const trusting = () => ({ ca: readFileSync(files.ca) });

// What OpenSSL's client says of a connection; `input` is what is typed.
async function openssl(broker, args, input = '') {
  const client = new Program('openssl', ['s_client', '-connect', `127.0.0.1:${broker.tls.port}`, '-CAfile', files.ca, ...args]);
  client.child.stdin.end(input);
  const { code } = await client.ended();
  return { code, said: client.out + client.lines.join('\n') };
}

onEachBackend('TLS', (io) => {
  let broker;
  before(async () => (broker = await start(undefined, { io })));
  after(() => broker.stop());

  it('curl publishes and reads over https, with TLS 1.2 and 1.3', async () => {
    const url = `${broker.tls.url}/topics/tls/curl`;
    for (const version of ['1.2', '1.3']) {
      const args = ['--cacert', files.ca, `--tlsv${version}`, '--tls-max', version];
      assert.ok(JSON.parse(await curl(...args, '--data-raw', version, url)).seq > 0);
      assert.equal(await curl(...args, url), version);
    }
  });

  it("TLS 1.1 is refused, HTTP/1.1 is chosen, and who only speaks others is told so", async () => {
    const old = await openssl(broker, ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0']);
    assert.match(old.said, /protocol version/);
    assert.match((await openssl(broker, ['-alpn', 'h2,http/1.1'])).said, /ALPN protocol: http\/1\.1/);
    assert.match((await openssl(broker, ['-alpn', 'h2'])).said, /no application protocol/);
  });

  it("each host has its own certificate, the first is everybody's", async () => {
    const shown = async (...args) => (await openssl(broker, args)).said.match(/subject=.*CN ?= ?(\S+)/)[1];
    assert.equal(await shown('-servername', 'other.example'), 'other.example');
    assert.equal(await shown('-servername', 'localhost'), 'localhost');
    assert.equal(await shown('-servername', 'unknown.example'), 'localhost');
    assert.equal(await shown('-noservername'), 'localhost');
  });

  it('a session is resumed with its ticket', async () => {
    const ticket = files.path(`ticket-${io}`);
    const request = 'GET /topics/none HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
    const first = await openssl(broker, ['-ign_eof', '-sess_out', ticket], request);
    assert.match(first.said, /^New, /m);
    const again = await openssl(broker, ['-ign_eof', '-sess_in', ticket], request);
    assert.match(again.said, /^Reused, /m);
    assert.match(again.said, /HTTP\/1\.1 404 /);
  });

  it('a client that renegotiates is refused', async () => {
    const client = new Program('openssl', ['s_client', '-connect', `127.0.0.1:${broker.tls.port}`, '-tls1_2']);
    await client.output(/Verify return code/);
    client.child.stdin.write('R\n');
    await client.ended();
    assert.match(client.lines.join('\n'), /no renegotiation/);
  });

  it('ws hears what it publishes, large messages too, and the code of the close', async () => {
    const client = await Client.open(broker.tls.topic('tls/ws'), trusting());
    const large = Buffer.alloc(1024 * 1024, 'ringcast');
    for (const message of ['one', large, 'two']) client.send(message);
    const [one, middle, two] = await client.has(3);
    assert.deepEqual([one, Buffer.compare(middle, large), two], ['one', 0, 'two']);
    const plain = await Client.open(broker.topic('tls/ws'));
    client.send('to both');
    assert.deepEqual(await plain.has(1), ['to both']);
    assert.equal((await client.close(4321, 'bye')).code, 4321);
  });

  it('Chromium shows the dashboard over https, and its page subscribes over wss', { skip: kMissing }, async (t) => {
    const browser = await launch();
    t.after(() => browser.close());
    const { page, seen } = await watchedPage(browser, { ignoreHTTPSErrors: true }); // it has another list of authorities
    await page.goto(broker.tls.url);
    const heard = await page.evaluate(async () => {
      const { connect } = await import('/ringcast.js');
      const rc = connect();
      const first = new Promise((resolve) => rc.subscribe('tls/chromium', { start: 'last' }, (message) => resolve(message.data)));
      await rc.publish('tls/chromium', 'over wss');
      const data = await first;
      await rc.close();
      return data;
    });
    assert.equal(heard, 'over wss');
    assert.deepEqual([...seen.hosts], [`localhost:${broker.tls.port}`]);
    assert.deepEqual(seen.wrong, []);
  });

  it("Python's websockets works as over plain", async () => {
    const script = join(root, 'tests/e2e/echo_client.py');
    const ended = await run('/usr/bin/python3', [script, broker.tls.topic('tls/python'), 'deflate'], { env: { SSL_CERT_FILE: files.ca } });
    assert.equal(ended.code, 0, ended.lines.join('\n'));
  });

  it('ringcast pub and sub work over wss, and trust nobody whom they were not told of', async () => {
    const url = `wss://127.0.0.1:${broker.tls.port}`;
    const sub = new Program(binary, ['sub', '--url', url, '--ca', files.ca, 'tls/cli', '--last', '--count', '3']);
    for (const acks of ['each', 'none', 'each']) {
      const { code, lines } = await run(binary, ['pub', '--url', url, '--ca', files.ca, '--acks', acks, 'tls/cli', '-'], { input: `${acks}\n` });
      assert.equal(code, 0, lines.join('\n'));
      await sub.output(new RegExp(acks));
    }
    assert.equal((await sub.ended()).code, 0);
    for (const acks of ['each', 'none']) {
      const untrusted = await run(binary, ['pub', '--url', url, '--acks', acks, 'tls/cli', 'x']);
      assert.notEqual(untrusted.code, 0);
      assert.match(untrusted.lines.join('\n'), /certificate of 127\.0\.0\.1 is not to be trusted.*--ca/);
    }
  });

  it('whoever is slow with its handshake is closed in time, and delays nobody', async (t) => {
    const slow = await start(t, { io, args: ['--handshake-timeout', '300ms', '--tls-handshakes', '100'] });
    const sockets = [];
    for (const words of ['', '\x16\x03\x01']) {
      const socket = net.connect(slow.tls.port, '127.0.0.1');
      socket.on('error', () => {});
      if (words) socket.write(Buffer.from(words, 'latin1'));
      sockets.push(new Promise((resolve) => socket.on('close', resolve).resume()));
    }
    const client = await Client.open(slow.tls.topic('tls/slow'), trusting());
    client.send('meanwhile');
    assert.deepEqual(await client.has(1), ['meanwhile']);
    await within(Promise.all(sockets), 'the end of the slow ones');
  });

  it("the operators' port answers over TLS, and counts handshakes", async () => {
    const url = `https://localhost:${broker.tls.adminPort}`;
    assert.match(await curl('--cacert', files.ca, `${url}/healthz`), /"healthy":true/);
    const metrics = await curl('--cacert', files.ca, `${url}/metrics`);
    assert.match(metrics, /^ringcast_tls_handshakes_total\{[^}]*\} [1-9]/m);
    assert.match(metrics, /^ringcast_tls_failures_total/m);
  });
});

describe('certificates', () => {
  it('a client must show one where it is required, and need not where it is optional', async (t) => {
    const broker = await start(t, { args: ['--tls-client-ca', files.ca, '--tls-client-auth', 'required', '--admin-tls-client-auth', 'optional'] });
    const url = `${broker.tls.url}/topics/tls/mutual`;
    await assert.rejects(curl('--cacert', files.ca, url), /certificate required|alert|reset/i);
    const own = ['--cert', robot.certificate, '--key', robot.key];
    assert.ok(await curl('--cacert', files.ca, ...own, '--data-raw', 'x', url));
    const cli = await run(binary, ['pub', '--url', broker.tls.url, '--ca', files.ca, ...own, 'tls/mutual', 'y']);
    assert.equal(cli.code, 0, cli.lines.join('\n'));
    assert.match(await curl('--cacert', files.ca, `https://localhost:${broker.tls.adminPort}/healthz`), /"healthy":true/);
  });

  it('are read again by a reload, whole or not at all, and no connection is lost', async (t) => {
    const [certificate, key] = [files.path('live.crt'), files.path('live.key')];
    const use = (pair) => (copyFileSync(pair.certificate, certificate), copyFileSync(pair.key, key));
    use(server);
    const broker = await Broker.of(t, { args: ['--tls-listen', '127.0.0.1:0', '--tls-cert', certificate, '--tls-key', key] });
    broker.tls = { port: Number(broker.lines.join('\n').match(kReady)[1]) };
    const shown = async () => (await openssl(broker, [])).said.match(/subject=.*CN ?= ?(\S+)/)[1];
    const client = await Client.open(`wss://localhost:${broker.tls.port}/topics/tls/reload`, trusting());
    assert.equal(await shown(), 'localhost');

    use(other);
    broker.kill('SIGHUP');
    await eventually(async () => (await shown()) === 'other.example', 'the other certificate');

    copyFileSync(server.key, key); // not the certificate's
    const refused = await curl('--request', 'POST', '--header', 'X-Ringcast: 1', `${broker.adminUrl}/api/v1/reload`);
    assert.match(refused, /is not the key of/);
    assert.equal(await shown(), 'other.example');
    client.send('still here');
    assert.deepEqual(await client.has(1), ['still here']);
  });

  it('that are wrong keep the broker from starting, in one line with the remedy', async () => {
    const start = async (...args) => {
      const { code, lines } = await run(binary, ['serve', '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', ...args]);
      assert.notEqual(code, 0);
      return lines.at(-1);
    };
    const listen = ['--tls-listen', '127.0.0.1:0'];
    assert.match(await start(...listen), /TLS needs a certificate and its key: set tls-cert and tls-key/);
    assert.match(await start(...listen, '--tls-cert', server.certificate), /1 tls-cert, but 0 tls-key/);
    assert.match(await start(...listen, '--tls-cert', '/none', '--tls-key', server.key), /tls: \/none: cannot be read: No such file/);
    assert.match(await start(...listen, '--tls-cert', server.certificate, '--tls-key', other.key), /tls: .*other\.key: is not the key of .*server\.crt/);
  });

  it('serve alone where the plain port is off', async (t) => {
    const options = ['serve', '--listen', 'off', '--tls-listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
    const broker = new Program(binary, [...options, '--tls-cert', server.certificate, '--tls-key', server.key]);
    t.after(() => (broker.kill(), broker.ended()));
    const [, port] = await broker.line(/ready on https:\/\/127\.0\.0\.1:(\d+)/);
    assert.match(await curl('--cacert', files.ca, '--data-raw', 'x', `https://localhost:${port}/topics/a`), /seq/);
  });
});
