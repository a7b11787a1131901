// Ours against the floor and the peers, by turns: see perf/bench, and --help for options.
//
// Each round of a row runs all its contenders one after the other under the same load, each server on CPU 0, the load on
// CPU 1, every other round in the opposite order. What counts is the ratio within a round: what slows the machine down
// slows all. Prints medians and the spread of the ratios. The figures of all runs go to a JSON file, where they replace
// those of the same rows, and the whole table beside it.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { measure } from './measure.mjs';
import { place } from './place.mjs';
import { measures, rows } from './rows.mjs';
import { contenders } from './servers.mjs';
import { settings } from './show.mjs';
import { judge, table_of, table_of_all } from './table.mjs';

const chosen = settings('perf/bench: ours against the floor and the peers, by turns', {
  rounds: [7, 2, 'rounds of each row'],
  seconds: [2.5, 1, 'measured, of each run'],
  only: ['', '', 'names of rows, with commas between; all if empty, with --quick three'],
  out: ['build/release/bench.json', 'build/release/bench.json', 'where the figures go; the table goes beside it, as .md'],
});
const quick = process.argv.includes('--quick');
const all = contenders(chosen);

async function run_row(row) {
  const named = row.who.map((who) => (typeof who === 'string' ? { name: who, of: who } : who));
  const list = named.filter(({ of }) => !all[of].missing);
  const runs = Object.fromEntries(list.map(({ name }) => [name, []]));
  for (let round = 0; round < chosen.rounds; round += 1) {
    for (const who of round % 2 ? list.toReversed() : list) {
      const one = await measure({ ...chosen, contender: all[who.of], load: [...row.load, ...who.load ?? []] });
      runs[who.name].push(figures_of(one));
    }
  }
  return { name: row.name, title: row.title, load: row.load.join(' '), runs, goals: judge(row, runs) };
}

// What is kept of a run.
function figures_of(run) {
  const kept = Object.fromEntries(Object.keys(measures).filter((name) => run[name] !== undefined).map((name) => [name, run[name]]));
  return { ...kept, ...run.first_end && { first_end: run.first_end }, ...run.wrong && { wrong: run.wrong } };
}

function read_kept() {
  try {
    return JSON.parse(readFileSync(chosen.out, 'utf8')).rows;
  } catch {
    return []; // the first time
  }
}

const here = await place(chosen.build);
console.log(`${here.text}\n`);
for (const [name, { missing }] of Object.entries(all)) if (missing) console.log(`left out: ${name}: ${missing}`);
const wanted = chosen.only ? chosen.only.split(',') : rows.filter((row) => !quick || row.quick).map((row) => row.name);
const { machine, kernel, commit, date, load_average } = here;
const versions = Object.fromEntries(Object.entries(all).map(([name, { version, missing }]) => [name, version ?? `left out: ${missing}`]));
mkdirSync(path.dirname(chosen.out), { recursive: true });
for (const row of rows.filter(({ name }) => wanted.includes(name))) {
  const done = { ...await run_row(row), commit, date, load_average, rounds: chosen.rounds, seconds: chosen.seconds };
  console.log(`\n${table_of(done)}`);
  const kept = new Map([...read_kept(), done].map((one) => [one.name, one]));
  const list = rows.filter(({ name }) => kept.has(name)).map(({ name }) => kept.get(name));
  const head = { command: 'perf/bench', machine, kernel, versions };
  writeFileSync(chosen.out, `${JSON.stringify({ ...head, rows: list })}\n`);
  writeFileSync(chosen.out.replace(/json$/, 'md'), table_of_all(head, list));
}
console.log(`all figures: ${chosen.out}`);
process.exit(0);
