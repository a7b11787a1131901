// Measure: one run of perf/load against one server, the server on CPU 0, the load on CPU 1 where there are two.

import { execFile } from 'node:child_process';
import os from 'node:os';
import { promisify } from 'node:util';
import { start } from './servers.mjs';

const run = promisify(execFile);
const cpus = os.cpus().length > 1 ? { server: 0, load: 1 } : { server: 0, load: 0 };
let port = Number(process.env.BENCH_PORT ?? 18480);

// The load's JSON. A contender that fell behind or fell over is told by `wrong`.
export async function measure({ build, seconds, contender, load }) {
  port += 1; // a fresh one: nothing of the run before waits in it
  const server = start(contender, port, cpus.server);
  const words = ['--port', port, '--pid', server.pid, '--cpu', cpus.load, '--warmup', 0.5, '--seconds', seconds, '--protocol',
    contender.protocol, ...load].map(String);
  try {
    return JSON.parse((await run(`${build}/load`, last_wins(words))).stdout);
  } catch (error) {
    const wrong = error.stderr?.trim().split('\n').at(-1) ?? `${error}`;
    return { ...(error.stdout ? JSON.parse(error.stdout) : {}), wrong };
  } finally {
    await server.stop();
  }
}

// What is given twice counts as it is given last.
function last_wins(words) {
  const given = new Map();
  for (let i = 0; i < words.length; i += 2) given.set(words[i], words[i + 1]);
  return [...given].flat();
}
