// perf/scrape's work.
//
// Pairs of turns on one broker: perf/load's subscribers alone, and while /metrics is asked for again and again; every
// other pair in the other order. What counts are the ratios within a pair, of the p99 latencies and of the broker's CPU
// per delivery. $broker/stats is counted each second in both.

import { execFile } from 'node:child_process';
import { Broker, keep, machine } from './broker.mjs';
import { median, spread, tail } from './figures.mjs';
import { claim, conclude, settings, sleep } from './show.mjs';

const options = settings('perf/scrape: do subscribers feel that /metrics is scraped?', {
  pairs: [7, 1, 'pairs of turns'],
  seconds: [6, 2, 'measured in each turn'],
  subscribers: [1000, 50, 'of one topic each'],
  topics: [10, 10, 'topics, one publisher each'],
  rate: [1000, 1000, 'messages per second, of all publishers together'],
  size: [128, 128, 'bytes of payload'],
  every: [1000, 200, 'ms from one scrape to the next'],
  shards: [1, 1, "the broker's"],
  ratio: [1.2, 10, 'the median of the ratios of p99 must not be above'],
});

function load(broker) {
  const { subscribers, topics, rate, size, seconds } = options;
  const args = ['--port', broker.port, '--pid', broker.pid, '--subscribers', subscribers, '--publishers', topics];
  args.push('--topics', topics, '--rate', rate, '--size', size, '--seconds', seconds, '--warmup', 0.5);
  return new Promise((resolve, reject) => {
    const done = (error, out, said) => (error ? reject(new Error(`load: ${said || error.message}`)) : resolve(JSON.parse(out)));
    keep(execFile(`${options.build}/load`, args.map(String), done));
  });
}

// Scrapes until `over()`: how long each took, ms.
async function scrapes(broker, over) {
  const took = [];
  while (!over()) {
    const begun = performance.now();
    const answer = await fetch(`http://127.0.0.1:${broker.adminPort}/metrics`);
    const text = await answer.text();
    if (answer.status !== 200 || !text.includes('ringcast_shard_up')) throw new Error(`/metrics: ${answer.status}`);
    took.push(performance.now() - begun);
    await sleep(Math.max(0, options.every - (performance.now() - begun)));
  }
  return took;
}

async function turn(broker, isScraped) {
  let isOver = false;
  const scraping = isScraped ? scrapes(broker, () => isOver) : [];
  const result = await load(broker).finally(() => (isOver = true));
  return { p50: result.latency_p50_ns / 1000, p99: result.latency_p99_ns / 1000, cpu: result.server_cpu_ns_per_delivery, took: await scraping };
}

async function pair(number) {
  const broker = await Broker.start({ build: options.build, shards: options.shards });
  const done = {};
  for (const who of number % 2 ? ['alone', 'scraped'] : ['scraped', 'alone']) done[who] = await turn(broker, who === 'scraped');
  await broker.stop();
  const { alone, scraped } = done;
  const shown = [alone.p50, scraped.p50, alone.p99, scraped.p99, alone.cpu, scraped.cpu].map((value) => value.toFixed(0).padStart(9));
  console.log(`  ${`${number}`.padEnd(4)}${shown.join('')}   ${tail(scraped.took, ' ms')}`);
  return { p99: scraped.p99 / alone.p99, p50: scraped.p50 / alone.p50, cpu: scraped.cpu / alone.cpu };
}

console.log(machine(options.shards));
console.log(`${options.subscribers} raw subscribers of one of ${options.topics} topics each, ${options.rate} messages/s of ${options.size} bytes in all; `
  + `/metrics each ${options.every} ms; ${options.pairs} pairs, ${options.seconds} s a turn; latencies in us, CPU in ns per delivery`);
console.log('  pair p50 alone  scraped p99 alone  scraped CPU alone  scraped   a scrape takes');
const pairs = [];
while (pairs.length < options.pairs) pairs.push(await pair(pairs.length + 1));
const of = (what) => pairs.map((each) => each[what]);
console.log(`scraped, by alone: p50 ${spread(of('p50'))}, p99 ${spread(of('p99'))}, CPU per delivery ${spread(of('cpu'), 3)}`);
claim(median(of('p99')) <= options.ratio, `the median p99 is within ${options.ratio} of that without scrapes`);
conclude();
