// Broker: the release binary as a process that is measured; Machine: what it shares its CPUs with.

import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import os from 'node:os';

const kTickNs = 1e9 / 100; // of /proc/PID/stat: USER_HZ is 100 on every Linux
const kPatienceMs = 20_000;
const kSaidMax = 10_000; // characters of its log that are kept

const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

// A child process that does not outlive this one.
export function keep(child) {
  running.add(child);
  child.on('exit', () => running.delete(child));
  return child;
}

// CPU time of a process, all its threads, nanoseconds: exact where the kernel counts it, else in its ticks.
export function cpuNs(pid) {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads.reduce((sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]), 0);
  } catch {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) * kTickNs;
  }
}

// CPUs for `shards` shards, and for everything else: apart where there are enough, else the whole machine for both.
function split(shards) {
  const count = os.cpus().length;
  const all = `0-${count - 1}`;
  return shards < count ? { broker: `0-${shards - 1}`, others: `${shards}-${count - 1}` } : { broker: all, others: all };
}

export function machine(shards) {
  const cpus = split(shards);
  // All threads of this process; its children get the same.
  execFileSync('taskset', ['-apc', cpus.others, `${process.pid}`], { stdio: 'ignore' });
  const [load] = os.loadavg();
  return `${os.cpus()[0].model}, ${os.cpus().length} of them: broker (${shards} shard${shards > 1 ? 's' : ''}) on ${cpus.broker}, `
    + `all else on ${cpus.others}; kernel ${os.release()}; load average ${load.toFixed(1)}`;
}

// What the limit of open files allows.
export function filesMax() {
  const [, soft] = readFileSync('/proc/self/limits', 'utf8').match(/^Max open files\s+(\d+)/m);
  return Number(soft);
}

export class Broker {
  // Starts it on a free port and waits until it is ready.
  static async start({ build, shards, args = [] }) {
    const broker = new Broker();
    const words = ['-c', split(shards).broker, `${build}/ringcast`, 'serve', '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
    broker.child = keep(spawn('taskset', [...words, '--shards', `${shards}`, ...args], { stdio: ['ignore', 'ignore', 'pipe'] }));
    broker.port = await broker.#ready();
    return broker;
  }

  // Its port. If it ends by itself, now or later, so does this program.
  #ready() {
    return new Promise((resolve) => {
      let said = '';
      const fail = (why) => {
        console.error(`the broker ${why}; it said:\n${said}`);
        process.exit(1);
      };
      const timer = setTimeout(() => fail('is not ready'), kPatienceMs);
      this.child.stderr.setEncoding('utf8').on('data', (text) => {
        this.said = said = (said + text).slice(-kSaidMax);
        const ready = said.match(/ready on http:\/\/127\.0\.0\.1:(\d+)/);
        if (ready) clearTimeout(timer);
        if (ready) this.adminPort = Number(said.match(/operators' port on 127\.0\.0\.1:(\d+)/)[1]); // said before it
        if (ready) resolve(Number(ready[1]));
      });
      this.child.on('exit', (code, signal) => this.stopping || fail(`ended by itself with ${code ?? signal}`));
    });
  }

  get pid() {
    return this.child.pid;
  }

  cpuNs() {
    return cpuNs(this.pid);
  }

  // {rss_bytes, peak_bytes}, as the kernel says.
  memory() {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    const bytes = (name) => Number(status.match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'))[1]) * 1024;
    return { rss_bytes: bytes('VmRSS'), peak_bytes: bytes('VmHWM') };
  }

  // How many it has open, listeners included.
  sockets() {
    const isSocket = (fd) => {
      try {
        return readlinkSync(`/proc/${this.pid}/fd/${fd}`).startsWith('socket:');
      } catch {
        return false; // closed meanwhile
      }
    };
    return readdirSync(`/proc/${this.pid}/fd`).filter(isSocket).length;
  }

  async stop() {
    this.stopping = true;
    const ended = new Promise((resolve) => this.child.on('exit', resolve));
    this.child.kill();
    await ended;
  }
}
