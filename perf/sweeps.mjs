// Sweeps: what perf/charts measures: one thing is varied, everything else stays.
//
// A sweep: {name, title, x: what is varied, at: its values, load(x): words of perf/load, who: contenders, or who(x);
// charts: [{measure, title, divisor, log}]}. With `micro` instead of load and who: benchmarks of build/release/micro, by the
// name of their line.

const bytes = (x) => (x < 1024 ? `${x} B` : `${x / 1024} KiB`);
const thousands = (x) => x.toLocaleString('en-US');

const perDelivery = { measure: 'server_cpu_ns_per_delivery', title: 'CPU per delivery, µs', divisor: 1000 };
const perPublish = { measure: 'server_cpu_ns_per_publish', title: 'CPU per publish, µs', divisor: 1000 };

export const sweeps = [
  {
    name: 'subscribers',
    title: '1 topic, 2 messages/s of 128 B: none waits for another',
    x: 'subscribers',
    at: [100, 300, 1000, 3000, 10000],
    label: thousands,
    load: (x) => ['--subscribers', x, '--rate', 2, '--size', 128, '--seconds', 4],
    who: ['raw', 'floor', 'uws'], // a nats-server's own housekeeping would be most of so little
    charts: [perDelivery],
  },
  {
    name: 'rates',
    title: '1 topic × 1,000 subscribers × 128 B',
    x: 'messages/s, each to 1,000 subscribers',
    at: [10, 30, 100, 200, 500, 1000, 2000],
    label: thousands,
    load: (x) => ['--subscribers', 1000, '--rate', x, '--size', 128, '--drain', 3],
    who: ['raw', 'floor', 'nats', 'uws', 'ws'],
    charts: [
      { measure: 'latency_p99_ns', title: 'latency p99, ms', divisor: 1e6, log: true },
      perDelivery,
    ],
  },
  {
    name: 'sizes',
    title: '1 topic × 100 subscribers, 10 messages/s: none waits for another',
    x: 'bytes of a message',
    at: [32, 128, 512, 2048, 8192, 65536],
    label: bytes,
    load: (x) => ['--subscribers', 100, '--rate', 10, '--size', x],
    who: ['raw', 'floor', 'uws'],
    charts: [perDelivery],
  },
  {
    name: 'throughput',
    title: '1 topic × 100 subscribers, 16 messages under way',
    x: 'bytes of a message',
    at: [32, 128, 512, 2048, 8192, 65536],
    label: bytes,
    load: (x) => ['--subscribers', 100, '--closed', 16, '--size', x],
    who: ['raw', 'floor', 'nats', 'uws'],
    charts: [
      { measure: 'delivered_per_second', title: 'deliveries/s, thousands', divisor: 1000, log: true },
      { ...perDelivery, log: true },
    ],
  },
  {
    name: 'topics',
    title: '10 publishers, 20,000 messages/s of 128 B, 5 subscribers of #',
    x: 'topics',
    at: [1, 10, 100, 1000, 10000, 100000],
    label: thousands,
    load: (x) => ['-T', x, '--publishers', 10, '--subscribers', 5, '--filters', 'hash', '--rate', 20_000, '--size', 128,
      '--warmup', 0.5 + x / 20_000],
    who: ['proto', 'nats'],
    charts: [perPublish],
  },
  {
    name: 'filters',
    title: '100 topics with a subscriber each, 10 publishers, 5,000 messages/s, beside wildcard filters that match none',
    x: 'wildcard filters',
    at: [1, 10, 100, 1000, 10000],
    label: thousands,
    load: (x) => ['-T', 100, '--publishers', 10, '--subscribers', 100, '--rate', 5000, '--size', 128, '--decoys', x],
    who: ['proto', 'nats'],
    charts: [perPublish],
  },
  {
    name: 'shards',
    title: 'shards that share one core; 1 topic × 1,000 subscribers × 128 B, 2 messages/s',
    x: 'shards',
    at: [1, 2, 3, 4],
    label: thousands,
    load: () => ['--subscribers', 1000, '--rate', 2, '--size', 128, '--seconds', 4],
    who: (x) => ({ raw: x === 1 ? 'raw' : `shards${x}` }),
    charts: [perDelivery],
  },
  {
    name: 'match',
    title: 'wildcard filters of which one or none matches; the naive scan asks each',
    x: 'wildcard filters',
    at: [1, 10, 100, 1000, 10000],
    label: thousands,
    micro: { ringcast: 'match', naive: 'match_naively' },
    charts: [{ measure: 'cpu_time', title: 'to match a topic, ns', divisor: 1, log: true }],
  },
  {
    name: 'route',
    title: 'a message of 128 B is given its number, kept, and the old one freed; topics in no order',
    x: 'topics',
    at: [1, 10, 100, 1000, 10000, 100000],
    label: thousands,
    micro: { ringcast: 'route_home' },
    charts: [{ measure: 'cpu_time', title: 'at the topic’s home, ns', divisor: 1 }],
  },
];
