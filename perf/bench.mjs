// Ours against the floor and the peers, by turns: see perf/bench, and --help for options.
//
// Each round of a row runs all its contenders one after the other under the same load, each server on CPU 0, the load on
// CPU 1, every other round in the opposite order. What counts is the ratio within a round: what slows the machine down
// slows all. Prints medians and the spread of the ratios; all runs go to a JSON file, a table for people beside it.

import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { median } from './figures.mjs';
import { place } from './place.mjs';
import { measures, rows } from './rows.mjs';
import { contenders, start } from './servers.mjs';
import { settings } from './show.mjs';

const run = promisify(execFile);
const chosen = settings('perf/bench: ours against the floor and the peers, by turns', {
  rounds: [7, 2, 'rounds of each row'],
  seconds: [2.5, 1.5, 'measured, of each run'],
  only: ['', '', 'names of rows, with commas between; all if empty'],
  out: ['build/release/bench.json', 'build/release/bench.json', 'where all runs go; the table goes beside it, as .md'],
});
const quick = process.argv.includes('--quick');
const all = contenders(chosen);
const cpus = os.cpus().length > 1 ? { server: 0, load: 1 } : { server: 0, load: 0 };
let port = Number(process.env.BENCH_PORT ?? 18480);

// One run: the load's JSON. A contender that fell behind or fell over is told by `wrong`.
async function measure(row, who) {
  port += 1; // a fresh one: nothing of the run before waits in it
  const contender = all[who.of];
  const server = start(contender, port, cpus.server);
  const words = ['--port', port, '--pid', server.pid, '--cpu', cpus.load, '--warmup', 0.5, '--seconds', chosen.seconds, '--protocol',
    contender.protocol, ...row.load, ...who.load ?? []].map(String);
  try {
    return JSON.parse((await run(`${chosen.build}/load`, last_wins(words))).stdout);
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

const named = (who) => (typeof who === 'string' ? { name: who, of: who } : who);

async function run_row(row) {
  const list = row.who.map(named).filter(({ of }) => !all[of].missing);
  const runs = Object.fromEntries(list.map(({ name }) => [name, []]));
  for (let round = 0; round < chosen.rounds; round += 1) {
    for (const who of round % 2 ? list.toReversed() : list) runs[who.name].push(await measure(row, who));
  }
  return { name: row.name, title: row.title, load: row.load.join(' '), runs, goals: judge(row, runs) };
}

const values = (runs, measure_name) => runs.map((run_of) => run_of[measure_name] ?? NaN);

// {ratios, median, holds} of each goal whose contender is here.
function judge(row, runs) {
  return row.goals.filter(({ ours, against }) => runs[ours] && runs[against]).map((goal) => {
    const [ours, theirs] = [values(runs[goal.ours], goal.measure), values(runs[goal.against], goal.measure)];
    const ratios = ours.map((value, i) => value / theirs[i]).filter(Number.isFinite);
    const ratio = ratios.length > 0 ? median(ratios) : NaN;
    const holds = ratio <= (goal.at_most ?? Infinity) && ratio >= (goal.at_least ?? 0) && ratio < (goal.below ?? Infinity)
      && ratio > (goal.above ?? 0);
    return { ...goal, ratios, median: ratio, holds };
  });
}

const limit = (goal) => ['at_most', 'at_least', 'below', 'above'].filter((name) => goal[name] !== undefined)
  .map((name) => `${{ at_most: '≤', at_least: '≥', below: '<', above: '>' }[name]} ${goal[name]}`).join();

const short = (value) => (value >= 1000 ? value.toFixed(0) : value.toPrecision(3));

function table_of({ name, title, load, runs, goals }) {
  const names = Object.keys(runs);
  const lines = [`### ${name}: ${title}`, '', `\`load ${load}\``, '', `| median of ${chosen.rounds} | ${names.join(' | ')} |`,
    `| --- |${' ---: |'.repeat(names.length)}`];
  for (const [measure_name, [text, divisor]] of Object.entries(measures)) {
    const cells = names.map((who) => values(runs[who], measure_name).filter(Number.isFinite)).map((list) => (list.length ? median(list) / divisor : NaN));
    if (cells.every((cell) => !(cell > 0))) continue;
    lines.push(`| ${text} | ${cells.map((cell) => (Number.isFinite(cell) ? short(cell) : '')).join(' | ')} |`);
  }
  lines.push('', '| ratio | of | median | least to most | goal | |', '| --- | --- | ---: | --- | --- | --- |');
  for (const goal of goals) {
    const spread = goal.ratios.length > 0 ? `${short(Math.min(...goal.ratios))} to ${short(Math.max(...goal.ratios))}` : '';
    lines.push(`| ${measures[goal.measure][0].replace(/, .*/, '')} | ${goal.ours} / ${goal.against} | ${short(goal.median)} | ${spread} | ${limit(goal)} | `
      + `${goal.holds ? 'holds' : '**missed**'} |`);
  }
  for (const who of names) {
    const wrong = runs[who].filter((run_of) => run_of.wrong);
    if (wrong.length > 0) lines.push('', `${who}: ${wrong.length} of ${chosen.rounds} runs not whole, the first: ${reason(wrong[0])}`);
  }
  return `${lines.join('\n')}\n`;
}

function reason(run_of) {
  if (run_of.first_end) return run_of.first_end;
  return run_of.lost ? `${run_of.lost} messages had not come when the run ended` : run_of.wrong;
}

const here = await place(chosen.build);
const versions = Object.fromEntries(Object.entries(all).map(([name, { version, missing }]) => [name, version ?? `left out: ${missing}`]));
console.log(`${here.text}\n`);
for (const [name, { missing }] of Object.entries(all)) if (missing) console.log(`left out: ${name}: ${missing}`);
const wanted = chosen.only ? chosen.only.split(',') : rows.filter((row) => !quick || row.quick).map((row) => row.name);
const done = [];
for (const row of rows.filter(({ name }) => wanted.includes(name))) {
  done.push(await run_row(row));
  console.log(`\n${table_of(done.at(-1))}`);
}
mkdirSync(path.dirname(chosen.out), { recursive: true });
writeFileSync(chosen.out, `${JSON.stringify({ command: `perf/bench ${process.argv.slice(2).join(' ')}`.trim(), ...here, versions, rows: done })}\n`);
writeFileSync(chosen.out.replace(/json$/, 'md'), done.map(table_of).join('\n'));
console.log(`all runs: ${chosen.out}`);
process.exit(0);
