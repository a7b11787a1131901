// Place: what a figure is worth nothing without: machine, kernel, commit, and how busy the machine was.

import { execFileSync } from 'node:child_process';
import os from 'node:os';

const said = (...words) => {
  try {
    return execFileSync(words[0], words.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
};

export async function place(build) {
  const here = {
    machine: `${os.cpus()[0].model}, ${os.cpus().length} CPUs, ${(os.totalmem() / 2 ** 30).toFixed(0)} GiB`,
    kernel: os.release(),
    commit: said('git', 'describe', '--always', '--dirty', '--abbrev=12'),
    date: new Date().toISOString().slice(0, 10),
    load_average: os.loadavg()[0],
    build,
  };
  return { ...here, text: `${here.machine}; kernel ${here.kernel}; commit ${here.commit}; load average ${here.load_average.toFixed(1)}` };
}
