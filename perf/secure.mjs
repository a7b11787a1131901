// perf/secure's work.
//
// In each round the same load comes to three brokers by turns, in an order that changes: over plain TCP, over TLS, and
// with a token that every connection must bring. Counted is the broker's CPU: for each connection that is opened
// (handshakes and tokens) and for each delivery; and the memory of a connection that is idle.

import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Broker, machine } from './broker.mjs';
import { median, spread } from './figures.mjs';
import { claim, conclude, eventually, settings, sleep } from './show.mjs';
import { Socket } from './socket.mjs';

const options = settings('perf/secure: what do TLS and tokens cost?', {
  rounds: [7, 1, 'each with a turn of every kind'],
  seconds: [4, 1, 'measured in each turn'],
  subscribers: [300, 50, 'of one topic'],
  rate: [100, 100, 'messages per second'],
  size: [128, 128, 'bytes of payload'],
  ratio: [1.05, 2, 'the median CPU per delivery with tokens, by that without, must not be above'],
});
const kOpenedAtOnce = 20;
const kWarmUp = 20; // connections that are opened before anything is counted
const kPatienceMs = 60_000;

const folder = mkdtempSync(path.join(tmpdir(), 'ringcast-secure-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
const file = (name) => path.join(folder, name);

const kSecret = 'perf/secure and its broker know this';
writeFileSync(file('secret'), kSecret, { mode: 0o600 });
execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost',
  '-keyout', file('key'), '-out', file('certificate')], { stdio: 'ignore' });

function token() {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { sub: 'perf', exp: Math.floor(Date.now() / 1000) + 3600, ringcast: { publish: ['#'], subscribe: ['#'] } };
  const text = `${part({ alg: 'HS256', kid: 'main' })}.${part(claims)}`;
  return `${text}.${createHmac('sha256', kSecret).update(text).digest('base64url')}`;
}

const kKinds = {
  plain: { args: [], query: '' },
  tls: { args: ['--tls-listen', '127.0.0.1:0', '--tls-cert', file('certificate'), '--tls-key', file('key')], query: '', isTls: true },
  token: { args: ['--token-key', `main=${file('secret')}`], query: `token=${token()}` },
};

const anonymousBytes = ({ pid }) => Number(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').match(/^Anonymous:\s+(\d+) kB/m)[1]) * 1024;

async function turn({ args, query, isTls = false }) {
  const broker = await Broker.start({ build: options.build, shards: 1, args });
  const port = isTls ? Number(broker.said.match(/TLS on https:\/\/127\.0\.0\.1:(\d+)/)[1]) : broker.port;
  const open = (words = '') => Socket.open(port, `/topics/perf/secure?${[query, words].filter(Boolean).join('&')}`, { tls: isTls });
  const subscribers = [];
  const openMore = async (count) => {
    while (count > 0) {
      const some = Math.min(count, kOpenedAtOnce);
      subscribers.push(...(await Promise.all(Array.from({ length: some }, () => open()))));
      count -= some;
    }
  };
  await openMore(kWarmUp);
  const [cpu, memory] = [broker.cpuNs(), anonymousBytes(broker)];
  await openMore(options.subscribers);
  const perConnection = (broker.cpuNs() - cpu) / options.subscribers;
  const bytes = (anonymousBytes(broker) - memory) / options.subscribers;

  const publisher = await open('mode=pub');
  const payload = 'x'.repeat(options.size);
  const heard = () => subscribers.reduce((sum, { frames }) => sum + frames, 0);
  publisher.send(payload);
  await eventually(() => heard() === subscribers.length, kPatienceMs);
  const before = broker.cpuNs();
  const begun = performance.now();
  const wanted = options.seconds * options.rate;
  for (let sent = 0; sent < wanted; await sleep(2)) {
    const due = Math.min(wanted, Math.floor(((performance.now() - begun) * options.rate) / 1000));
    for (; sent < due; ++sent) publisher.send(payload);
  }
  await eventually(() => heard() === subscribers.length * (wanted + 1), kPatienceMs);
  const perDelivery = (broker.cpuNs() - before) / (subscribers.length * wanted);
  for (const socket of [...subscribers, publisher]) socket.cut();
  await broker.stop();
  return { perConnection, perDelivery, bytes };
}

console.log(machine(1));
console.log(`${options.subscribers} raw subscribers of one topic, ${options.rate} messages/s of ${options.size} bytes, uncompressed; the broker's CPU per connection opened `
  + `(us) and per delivery (ns), anonymous memory per idle connection (KiB)`);
console.log('  round  kind   per connection  per delivery  memory');
const rounds = [];
const names = Object.keys(kKinds);
while (rounds.length < options.rounds) {
  const done = {};
  for (const i of names.keys()) {
    const name = names[(i + rounds.length) % names.length];
    const { perConnection, perDelivery, bytes } = (done[name] = await turn(kKinds[name]));
    console.log(`  ${`${rounds.length + 1}`.padEnd(7)}${name.padEnd(7)}${(perConnection / 1000).toFixed(1).padStart(14)}${perDelivery.toFixed(0).padStart(14)}${(bytes / 1024).toFixed(1).padStart(8)}`);
  }
  rounds.push(done);
}
const ratios = (name, what) => rounds.map((done) => done[name][what] / done.plain[what]);
for (const name of ['tls', 'token']) {
  console.log(`${name} by plain: CPU per connection ${spread(ratios(name, 'perConnection'))}, CPU per delivery ${spread(ratios(name, 'perDelivery'))}`);
}
const kibibytes = (name) => spread(rounds.map((done) => done[name].bytes / 1024), 1);
console.log(`KiB per idle connection: plain ${kibibytes('plain')}, TLS ${kibibytes('tls')}, with a token ${kibibytes('token')}`);
claim(median(ratios('token', 'perDelivery')) <= options.ratio, `a delivery costs no more than ${options.ratio} times as much where tokens are asked for`);
conclude();
