// Charts of how ours, the floor and the peers grow: perf/charts [--only SWEEP,…] [--help]
//
// Each point is the median of some rounds, its bar the least and the most; contenders take turns within a round. The
// figures go to a JSON file, the charts beside it. --draw: draws them again from that file and measures nothing.

import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { median } from './figures.mjs';
import { measure } from './measure.mjs';
import { place } from './place.mjs';
import { contenders } from './servers.mjs';
import { settings } from './show.mjs';
import { chart } from './svg.mjs';
import { sweeps } from './sweeps.mjs';

const chosen = settings('perf/charts: how ours, the floor and the peers grow', {
  rounds: [3, 1, 'rounds of each point'],
  seconds: [2, 1, 'measured, of each run'],
  only: ['', '', 'names of sweeps, with commas between; all if empty'],
  out: ['build/release/charts', 'build/release/charts', 'folder of charts.json and the charts'],
  draw: ['', '', 'yes: from charts.json, without measuring'],
});
const file = path.join(chosen.out, 'charts.json');
const wanted = ({ name }) => chosen.only === '' || chosen.only.split(',').includes(name);

// {who: [[x, [value of each round]]]} for each measure.
async function sweep(all, { at, load, who, charts }) {
  const points = Object.fromEntries(charts.map(({ measure: name }) => [name, {}]));
  for (const x of at) {
    const pairs = Object.entries(typeof who === 'function' ? who(x) : Object.fromEntries(who.map((name) => [name, name])));
    const here = pairs.filter(([, of]) => !all[of].missing);
    const runs = Object.fromEntries(here.map(([name]) => [name, []]));
    for (let round = 0; round < chosen.rounds; round += 1) {
      for (const [name, of] of round % 2 ? here.toReversed() : here) {
        runs[name].push(await measure({ ...chosen, contender: all[of], load: load(x) }));
      }
    }
    for (const { measure: measured } of charts) {
      for (const [name] of here) (points[measured][name] ??= []).push([x, runs[name].map((run) => (run.wrong ? null : run[measured]))]);
    }
    console.log(`  ${x}: ${here.map(([name]) => `${name} ${runs[name].map((run) => run.wrong ?? Math.round(run[charts[0].measure])).join(' ')}`).join('; ')}`);
  }
  return points;
}

// The same of benchmarks.
async function sweep_micro({ at, micro, charts: [{ measure: measured }] }) {
  const words = [`--benchmark_filter=^(${Object.values(micro).join('|')})/`, '--benchmark_repetitions=7', '--benchmark_min_time=0.05',
    '--benchmark_format=json'];
  const { benchmarks } = JSON.parse((await promisify(execFile)(`${chosen.build}/micro`, words)).stdout);
  const of = (name, x) => benchmarks.filter((one) => one.run_type === 'iteration' && one.name === `${name}/${x}`).map((one) => one[measured]);
  return { [measured]: Object.fromEntries(Object.entries(micro).map(([who, name]) => [who, at.map((x) => [x, of(name, x)])])) };
}

function draw({ name, title, x, at, label, charts }, points, foot) {
  for (const { measure: measured, title: what, divisor, log } of charts) {
    const lines = {};
    for (const [who, list] of Object.entries(points[measured])) {
      const whole = list.map(([at_x, values]) => [at_x, values.filter((value) => value > 0).map((value) => value / divisor)]);
      lines[who] = whole.filter(([, values]) => values.length > 0).map(([at_x, values]) => [at_x, median(values), Math.min(...values), Math.max(...values)]);
    }
    const svg = chart({ title: what, subtitle: title, x_title: x, at, label, lines, log, foot });
    writeFileSync(path.join(chosen.out, `${name}-${measured.replace(/^server_|_ns/g, '')}.svg`), svg);
  }
}

mkdirSync(chosen.out, { recursive: true });
let kept = {};
try {
  kept = JSON.parse(readFileSync(file, 'utf8'));
} catch {} // the first time
const here = await place(chosen.build);
if (chosen.draw === '') {
  const all = contenders(chosen);
  for (const one of sweeps.filter(wanted)) {
    console.log(`${one.name}: ${one.title}`);
    kept[one.name] = { ...here, points: one.micro ? await sweep_micro(one) : await sweep(all, one) };
    writeFileSync(file, `${JSON.stringify(kept)}\n`);
  }
}
for (const one of sweeps) {
  if (!kept[one.name]) continue;
  const { machine, kernel, commit, load_average, points } = kept[one.name];
  draw(one, points, `${machine}; kernel ${kernel}; commit ${commit}; load average ${load_average.toFixed(0)}`);
}
process.exit(0);
