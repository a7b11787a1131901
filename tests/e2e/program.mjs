// Program: a child process whose lines and end can be waited for, and eventually(): the only place that polls.
//
// Nothing here sleeps for a time and hopes: every wait is for something that must happen, and has a deadline that says
// what it waited for. Deadlines are long because they only cost time when a test fails.

import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const binary = process.env.RINGCAST_BINARY ?? join(root, 'build/release/ringcast');

// The dependencies of the tests are those of web/package.json.
export const require = createRequire(new URL('../../web/package.json', import.meta.url));

export const kPatienceMs = Number(process.env.PATIENCE ?? 60_000);

// A promise that fails with `what` when nothing has settled it in time.
export function within(promise, what, ms = kPatienceMs) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${describe(what)}`)), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function describe(what) {
  return typeof what === 'function' ? what() : what;
}

// For what has no event (another process's memory and descriptors): asks until `check` gives back something true.
export async function eventually(check, what, ms = kPatienceMs) {
  const deadline = performance.now() + ms;
  for (;;) {
    const result = await check();
    if (result) return result;
    if (performance.now() > deadline) throw new Error(`not within ${ms} ms: ${describe(what)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

// Something that many may wait for: wake() makes each of them look again.
export class Signal {
  #waiting = new Set();

  wake() {
    for (const look of [...this.#waiting]) look();
  }

  // Resolves with the first true result of `check`, which is asked now and after each wake().
  until(check, what, ms = kPatienceMs) {
    let look;
    const promise = new Promise((resolve, reject) => {
      look = () => {
        try {
          const result = check();
          if (result) resolve(result);
        } catch (error) {
          reject(error);
        }
      };
      this.#waiting.add(look);
      look();
    });
    return within(promise, what, ms).finally(() => this.#waiting.delete(look));
  }
}

// A test that was cut short leaves no process behind, which would also keep its file from ending.
const running = new Set();
function endAll() {
  for (const child of running) child.kill('SIGKILL');
}
process.on('exit', endAll);
after(endAll);

// The broker's own variables would be taken for options: RINGCAST_BINARY is one of them. Nor does the way to a broker on
// this machine lead over a proxy, which curl and Python would ask.
function cleanEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^RINGCAST_|_proxy$/i.test(name)));
}

export class Program {
  lines = []; // of stderr
  out = ''; // stdout
  exit; // {code, signal} once it has ended
  #changed = new Signal();

  constructor(command, args, { env = {} } = {}) {
    this.name = [command.split('/').pop(), ...args].join(' ');
    this.child = spawn(command, args, { env: { ...cleanEnvironment(), ...env }, stdio: 'pipe' });
    running.add(this.child);
    this.child.stdin.on('error', () => {}); // it ended without reading all: its exit code says so
    this.child.stdout.setEncoding('utf8').on('data', (text) => this.#take(() => (this.out += text)));
    let rest = '';
    this.child.stderr.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      this.#take(() => this.lines.push(...lines));
    });
    this.child.on('error', (error) => this.#take(() => (this.exit = { error })));
    this.child.on('close', (code, signal) => {
      running.delete(this.child);
      if (rest) this.lines.push(rest);
      this.#take(() => (this.exit ??= { code, signal }));
    });
  }

  #take(change) {
    change();
    this.#changed.wake();
  }

  get pid() {
    return this.child.pid;
  }

  // The first line of stderr that matches.
  line(pattern) {
    const find = () => this.lines.map((line) => line.match(pattern)).find(Boolean);
    return this.#changed.until(
      () => {
        const found = find();
        if (!found && this.exit) throw new Error(`${this.name} ended (${this.#ending()}) before ${pattern}`);
        return found;
      },
      () => `${pattern} from ${this.name}; it said:\n${this.lines.join('\n')}`,
    );
  }

  // Until stdout matches; the match.
  output(pattern) {
    return this.#changed.until(
      () => this.out.match(pattern),
      () => `${pattern} on stdout of ${this.name}; there was:\n${this.out}\n${this.lines.join('\n')}`,
    );
  }

  #ending() {
    return `${JSON.stringify(this.exit)}: ${this.lines.join('\n')}`;
  }

  // Until it has ended by itself: {code, signal}.
  async ended(ms) {
    await this.#changed.until(() => this.exit, () => `the end of ${this.name}; it said:\n${this.lines.join('\n')}`, ms);
    if (this.exit.error) throw this.exit.error;
    return this.exit;
  }

  kill(signal = 'SIGTERM') {
    this.child.kill(signal);
  }
}

// Runs a program to its end: {code, signal, out, lines}.
export async function run(command, args, { input, ...options } = {}) {
  const program = new Program(command, args, options);
  program.child.stdin.end(input);
  const end = await program.ended();
  return { ...end, out: program.out, lines: program.lines };
}

// Runs curl, which must succeed: what it printed.
export async function curl(...args) {
  const { code, out, lines } = await run('curl', ['--silent', '--show-error', '--max-time', '120', ...args]);
  if (code !== 0) throw new Error(`curl ended with ${code}: ${lines.join('\n')}`);
  return out;
}
