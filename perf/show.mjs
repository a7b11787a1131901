// Show: what perf/stalled, perf/dashboards and perf/reconnect have in common: their options, and claims that must hold.

import { parseArgs } from 'node:util';

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Asks until `check` gives back something true; undefined when it has not after `ms`.
export async function eventually(check, ms, everyMs = 20) {
  for (const deadline = performance.now() + ms; ; await sleep(everyMs)) {
    const result = check();
    if (result || performance.now() > deadline) return result || undefined;
  }
}

const kCommon = { build: ['build/release', 'build/release', 'where `ringcast` and `load` are'] };

// The options of the command line. `table`: {name: [value, with --quick, help]}; what is a number there comes as one.
// --help prints `title` and all of them.
export function settings(title, table) {
  const all = { ...kCommon, ...table };
  const options = { help: { type: 'boolean' }, quick: { type: 'boolean' } };
  for (const name of Object.keys(all)) options[name] = { type: 'string' };
  const { values } = parse(options);
  if (values.help) {
    console.log(`${title}\n\n  --quick                small sizes: whether it works, not how well`);
    for (const [name, [full, quick, help]] of Object.entries(all)) {
      console.log(`  ${`--${name} VALUE`.padEnd(22)} ${help} [${full}${quick === full ? '' : `; quick: ${quick}`}]`);
    }
    process.exit(0);
  }
  const chosen = {};
  for (const [name, [full, quick]] of Object.entries(all)) {
    chosen[name] = values[name] ?? (values.quick ? quick : full);
    if (typeof full === 'number') chosen[name] = number(name, chosen[name]);
  }
  return chosen;
}

function parse(options) {
  try {
    return parseArgs({ options });
  } catch (error) {
    console.error(`${error.message}; see --help`);
    return process.exit(2);
  }
}

function number(name, text) {
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  console.error(`--${name}: ${text} is not a number`);
  return process.exit(2);
}

let wrong = 0;

// Prints a claim and whether it holds; the program fails at its end when one does not.
export function claim(holds, text) {
  console.log(`${holds ? 'holds' : 'WRONG'}: ${text}`);
  if (!holds) wrong += 1;
}

// The end of the program, by what was claimed.
export function conclude() {
  if (wrong > 0) console.log(`${wrong} ${wrong === 1 ? 'claim does' : 'claims do'} not hold`);
  process.exit(wrong > 0 ? 1 : 0);
}
