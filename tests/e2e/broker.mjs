// Broker: the real binary as a child process on a free port, always with several shards.
//
// backends: on which of io_uring and epoll the tests run. One that the machine refuses is skipped with the broker's own
// reason.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { describe } from 'node:test';
import { Program, binary, eventually } from './program.mjs';

export const kShards = 4;

// Freed memory that the allocators of so many threads keep for next time: measured 12 to 22 MiB after floods of 50 MiB,
// the same after the twentieth as after the first.
const kMemorySlackBytes = 36 * 1024 * 1024;
// Receive buffers are touched one after the other: few, or they would look like memory that grows.
const kReceiveBuffers = 64;
// A sanitizer's shadow of the address space is of this size at least.
const kShadowBytes = 2 ** 40;
// Below what the kernel hands out by itself (ip_local_port_range begins at 32768): free until somebody asks for it.
const kOwnPorts = { first: 15_000, count: 15_000 };
const kOwnPortTries = 20;

// For tests that do not find out how long it takes: a machine that is slow is not a fault of the broker. All their peers
// must be gone before such a broker is stopped.
const kLingering = ['--linger-close', '1m', '--linger-close-size', '64MiB'];
export const kPatient = {
  // Who was closed and still sends may take its time to read why.
  lingering: kLingering,
  // Who stops reading for a while answers no pings, and reads late what it is owed: also when all of it, and the end, is
  // in the kernel, which gives up what no process has any more.
  reading: [...kLingering, '--ping-interval', '1h', '--drain-deadline', '10m'],
};

export class Broker extends Program {
  // Starts it and waits until it is ready. `command`: what to run it with, before its own arguments.
  static async start({ io = 'auto', port: listen = 0, shards = kShards, args = [], env = {}, command = [] } = {}) {
    const options = ['serve', '--listen', `127.0.0.1:${listen}`, '--admin', '127.0.0.1:0', '--shards', `${shards}`, '--io', io];
    options.push('--receive-buffers', `${kReceiveBuffers}`, '--post-hold', '1m'); // no test is about a POST that waits
    const words = [...command, binary, ...options, ...args];
    const broker = new Broker(words[0], words.slice(1), { env });
    const [, port, name] = await broker.line(/ready on http:\/\/127\.0\.0\.1:(\d+)\S* with \d+ shards? \((\w+)\)/);
    broker.port = Number(port);
    broker.adminPort = Number(broker.lines.join('\n').match(/operators' port on 127\.0\.0\.1:(\d+)/)[1]); // said before it
    broker.io = name;
    // A sanitizer's memory, and its descriptors, say nothing about ours.
    broker.measurable = broker.#status('VmSize') < kShadowBytes;
    return broker;
  }

  // On a port that another can be started on when it has ended: one that the kernel gave might be given away by then.
  static async startOnOwnPort(options) {
    for (let tries = 1; ; ++tries) {
      const port = kOwnPorts.first + Math.floor(Math.random() * kOwnPorts.count);
      try {
        return await Broker.start({ ...options, port });
      } catch (error) {
        if (tries === kOwnPortTries || !/in use/.test(error.message)) throw error;
      }
    }
  }

  // The same, stopped after the test `t` (or suite), which fails if the broker does not end well.
  static async of(t, options) {
    const broker = await Broker.start(options);
    t.after(() => broker.stop());
    return broker;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  // The operators' port.
  get adminUrl() {
    return `http://127.0.0.1:${this.adminPort}`;
  }

  // The WebSocket URL of a topic or filter, which may hold `#` and `+`.
  topic(filter, query = '') {
    return `ws://127.0.0.1:${this.port}${topicPath(filter)}${query && '?' + query}`;
  }

  // Ends it by a signal: it must exit with 0 and say nothing that a person would worry about.
  async stop(signal = 'SIGTERM') {
    if (!this.exit) this.kill(signal);
    const { code, signal: by } = await this.ended();
    assert.deepEqual({ code, by }, { code: 0, by: null }, this.lines.join('\n'));
    assert.deepEqual(this.lines.filter((line) => /\berror\b|assert/i.test(line)), []);
  }

  // Bytes, as the kernel says.
  #status(name) {
    return Number(readFileSync(`/proc/${this.pid}/status`, 'utf8').match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'))[1]) * 1024;
  }

  // {rss_bytes, peak_bytes, descriptors}, as the kernel says. For recovered() it is asked when no connection is about to end.
  usage() {
    return {
      rss_bytes: this.#status('VmRSS'),
      peak_bytes: this.#status('VmHWM'),
      descriptors: readdirSync(`/proc/${this.pid}/fd`).length,
    };
  }

  // Waits until everything that was opened since `before` (of usage()) is closed, and memory is back within `bytes`.
  async recovered(before, { bytes = kMemorySlackBytes } = {}) {
    const grown = () => {
      const now = this.usage();
      const more = { descriptors: now.descriptors - before.descriptors, bytes: now.rss_bytes - before.rss_bytes };
      return more.descriptors !== 0 || (this.measurable && more.bytes > bytes) ? more : undefined;
    };
    await eventually(() => !grown(), () => `descriptors and memory back where they were; more: ${JSON.stringify(grown())}`);
  }
}

export function topicPath(filter) {
  const level = (text) => (text === '+' ? '+' : encodeURIComponent(text));
  return '/topics/' + filter.split('/').map(level).join('/');
}

async function refusal(io) {
  const probe = new Program(binary, ['serve', '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--shards', '1', '--io', io]);
  const [line] = await Promise.race([
    probe.line(/ready on/),
    probe.ended().then(() => probe.lines.slice(-1)),
  ]).catch((error) => [error.message]);
  probe.kill();
  await probe.ended();
  return /ready on/.test(line) ? false : line;
}

export const backends = [];
for (const io of ['uring', 'epoll']) backends.push({ io, refused: await refusal(io) });

// A suite for each backend: body(io).
export function onEachBackend(name, body) {
  for (const { io, refused } of backends) describe(`${name} on ${io}`, { skip: refused }, () => body(io));
}

