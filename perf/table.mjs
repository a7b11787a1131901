// Table: what perf/bench has measured, for people: medians, ratios with their spread, and whether the goals hold.

import { median } from './figures.mjs';
import { measures } from './rows.mjs';

const values = (runs, measure) => runs.map((run) => run[measure] ?? NaN);

// {ratios, median, holds} of each of the row's goals whose contender took part. A run that was not whole has no ratio.
export function judge(row, runs) {
  return row.goals.filter(({ ours, against }) => runs[ours] && runs[against]).map((goal) => {
    const [ours, theirs] = [runs[goal.ours], runs[goal.against]];
    const whole = ours.map((run, i) => !run.wrong && !theirs[i].wrong && run[goal.measure] / theirs[i][goal.measure]);
    const ratios = whole.filter(Number.isFinite);
    const ratio = ratios.length > 0 ? median(ratios) : null;
    const holds = ratio !== null && ratio <= (goal.at_most ?? Infinity) && ratio >= (goal.at_least ?? 0)
      && ratio < (goal.below ?? Infinity) && ratio > (goal.above ?? 0);
    return { ...goal, ratios, median: ratio, holds };
  });
}

const limit = (goal) => ['at_most', 'at_least', 'below', 'above'].filter((name) => goal[name] !== undefined)
  .map((name) => `${{ at_most: '≤', at_least: '≥', below: '<', above: '>' }[name]} ${goal[name]}`).join();

const short = (value) => (value >= 1000 ? value.toFixed(0) : `${Number(value.toPrecision(3))}`);

function goal_line(goal) {
  const spread = goal.ratios.length > 0 ? `${short(Math.min(...goal.ratios))} to ${short(Math.max(...goal.ratios))}` : '';
  const verdict = goal.median === null ? 'no whole run' : goal.holds ? 'holds' : '**missed**';
  return `${measures[goal.measure][0].replace(/, .*/, '')} | ${goal.ours} / ${goal.against} | ${goal.median === null ? '' : short(goal.median)} | ${spread} | `
    + `${limit(goal)} | ${verdict} |`;
}

// A row: what it measured of each contender, and its ratios.
export function table_of({ name, title, load, runs, goals, commit, load_average, rounds, seconds }) {
  const names = Object.keys(runs);
  const lines = [`### ${name}: ${title}`, '',
    `\`load ${load}\`; ${rounds} rounds of ${seconds} s; commit ${commit}; load average ${load_average.toFixed(1)}`, '',
    `| medians | ${names.join(' | ')} |`, `| --- |${' ---: |'.repeat(names.length)}`];
  for (const [measure, [text, divisor]] of Object.entries(measures)) {
    const cells = names.map((who) => values(runs[who], measure).filter(Number.isFinite)).map((list) => (list.length ? median(list) / divisor : NaN));
    if (cells.every((cell) => !(cell > 0))) continue;
    lines.push(`| ${text} | ${cells.map((cell) => (Number.isFinite(cell) ? short(cell) : '')).join(' | ')} |`);
  }
  lines.push('', '| ratio | of | median | least to most | goal | |', '| --- | --- | ---: | --- | --- | --- |', ...goals.map((goal) => `| ${goal_line(goal)}`));
  for (const who of names) {
    const wrong = runs[who].filter((run) => run.wrong);
    if (wrong.length > 0) lines.push('', `${who}: ${wrong.length} of ${rounds} runs not whole and not counted, the first: ${reason(wrong[0])}`);
  }
  return `${lines.join('\n')}\n`;
}

function reason(run) {
  if (run.first_end) return run.first_end;
  return run.lost ? `${run.lost} messages had not come when it ended` : run.wrong;
}

// All rows: the goals together, then each.
export function table_of_all({ command, machine, kernel, versions }, list) {
  const lines = [`# ${command}`, '', `${machine}; kernel ${kernel}; server on one core, load on the other.`, '',
    ...Object.entries(versions).map(([who, version]) => `- ${who}: ${version}`), '', '## Goals', '',
    '| load | ratio | of | median | least to most | goal | |', '| --- | --- | --- | ---: | --- | --- | --- |'];
  for (const { name, goals } of list) for (const goal of goals) lines.push(`| ${name} | ${goal_line(goal)}`);
  return `${[...lines, '', '## Rows', '', ...list.map(table_of)].join('\n')}`;
}
