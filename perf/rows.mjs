// Rows: the loads of perf/bench's table, and what each is to show.
//
// A row: {name, title, who: contenders, load: words of perf/load, goals: [{measure, ours, against, at_most or at_least}]}.
// A ratio is ours by theirs, within a round. quick: in --quick, too. A contender {name, of, load} is `of` with other words.

const crowd = ['--subscribers', '1000', '--size', '128'];
const peers = ['nats', 'uws', 'ws'];
const cpu = 'server_cpu_ns_per_delivery';
const ahead = (measure, better) => peers.map((against) => ({ measure, ours: 'raw', against, ...better }));

export const rows = [
  {
    name: 'steady',
    title: '1 topic × 1,000 subscribers × 128 B, 100 messages/s',
    who: ['floor', 'raw', 'json', 'proto', ...peers],
    load: [...crowd, '--rate', '100'],
    goals: [
      { measure: cpu, ours: 'raw', against: 'floor', at_most: 1.1 },
      { measure: 'latency_p99_ns', ours: 'raw', against: 'floor', at_most: 1.2 },
      ...ahead(cpu, { below: 1 }), ...ahead('latency_p99_ns', { below: 1 }),
    ],
    quick: true,
  },
  {
    name: 'coalesced',
    title: 'the same, 1,000 messages/s',
    who: ['floor', 'raw', 'json', 'proto', 'nats', 'uws'],
    load: [...crowd, '--rate', '1000', '--drain', '4'],
    goals: [
      { measure: cpu, ours: 'raw', against: 'floor', at_most: 1 },
      { measure: cpu, ours: 'raw', against: 'nats', below: 1 }, { measure: cpu, ours: 'raw', against: 'uws', below: 1 },
    ],
  },
  {
    name: 'closed',
    title: 'the same, closed loop: 32 messages under way all the time',
    who: ['floor', 'raw', 'json', 'proto', ...peers],
    load: [...crowd, '--closed', '32'],
    goals: [
      { measure: 'delivered_per_second', ours: 'raw', against: 'floor', at_least: 0.85 },
      ...ahead('delivered_per_second', { above: 1 }),
    ],
    quick: true,
  },
  {
    name: 'dashboards',
    title: '1,000 topics, 100 dashboards × 50 topics each, 10 publishers, 20,000 messages/s',
    who: ['proto', 'json', 'proto, gather 0', 'nats'],
    load: ['-T', '1000', '--subscribers', '100', '--each', '50', '--publishers', '10', '--rate', '20000', '--size', '128', '--drain', '4'],
    goals: [
      { measure: cpu, ours: 'proto', against: 'nats', at_most: 0.4 }, { measure: cpu, ours: 'json', against: 'nats', at_most: 0.4 },
      { measure: cpu, ours: 'proto', against: 'proto, gather 0', below: 1 },
    ],
    quick: true,
  },
  {
    name: 'publishers',
    title: '1,000 publishers × 20 messages/s into 10 subscribers of #',
    who: ['raw', 'proto', 'raw, gather 0', 'proto, gather 0', 'nats'],
    load: ['-T', '1000', '--publishers', '1000', '--subscribers', '10', '--filters', 'hash', '--rate', '20000', '--size', '128', '--drain', '4'],
    goals: [
      { measure: 'server_cpu_ns_per_publish', ours: 'raw', against: 'nats', at_most: 0.6 },
      { measure: 'server_cpu_ns_per_publish', ours: 'proto', against: 'nats', at_most: 0.6 },
      { measure: 'server_cpu_ns_per_publish', ours: 'raw', against: 'raw, gather 0', below: 1 },
    ],
  },
  {
    name: 'connections',
    title: '9,000 connections that subscribe, opened as fast as they are accepted; then idle',
    who: ['floor', 'raw', ...peers],
    load: ['--subscribers', '1', '--idle', '9000', '--rate', '10', '--warmup', '0', '--seconds', '0.2'],
    goals: [
      { measure: 'opened_per_second', ours: 'raw', against: 'ws', at_least: 2 }, { measure: 'opened_per_second', ours: 'raw', against: 'nats', at_least: 2 },
      { measure: 'anon_bytes_per_connection', ours: 'raw', against: 'nats', below: 1 },
      { measure: 'anon_bytes_per_connection', ours: 'raw', against: 'uws', below: 1 },
    ],
  },
  {
    name: 'shards',
    title: '4 shards and 1 on the same core: 1,000 subscribers, 100 messages/s',
    who: ['raw', 'shards4'],
    load: [...crowd, '--rate', '100'],
    goals: [{ measure: cpu, ours: 'shards4', against: 'raw', at_most: 1.2 }],
  },
  {
    name: 'many',
    title: '10,000 subscribers, 10 messages/s',
    who: ['floor', 'raw'],
    load: ['--subscribers', '10000', '--size', '128', '--rate', '10'],
    goals: [{ measure: cpu, ours: 'raw', against: 'floor', at_most: 1.2 }],
  },
  {
    name: 'topics',
    title: '100,000 topics and 1: 10 publishers, 20,000 messages/s, 5 subscribers of #',
    who: ['proto', { name: 'one topic', of: 'proto', load: ['-T', '1'] }],
    load: ['-T', '100000', '--publishers', '10', '--subscribers', '5', '--filters', 'hash', '--rate', '20000', '--size', '128', '--warmup', '6'],
    goals: [{ measure: cpu, ours: 'proto', against: 'one topic', at_most: 1.5 }],
  },
  {
    name: 'epoll',
    title: 'epoll and io_uring: 1,000 subscribers, 100 messages/s',
    who: ['raw', 'epoll'],
    load: [...crowd, '--rate', '100'],
    goals: [{ measure: cpu, ours: 'epoll', against: 'raw', at_most: 1.1 }],
  },
];

// What is printed of each row: name in the load's JSON, title, divisor.
export const measures = {
  server_cpu_ns_per_delivery: ['CPU per delivery, ns', 1],
  server_cpu_ns_per_publish: ['CPU per publish, ns', 1],
  latency_p50_ns: ['latency p50, µs', 1000],
  latency_p99_ns: ['latency p99, µs', 1000],
  latency_p999_ns: ['latency p99.9, µs', 1000],
  delivered_per_second: ['deliveries/s', 1],
  delivered_per_receive: ['messages in one receive', 1],
  segments: ['TCP segments in all', 1],
  lost: ['not delivered in time', 1],
  opened_per_second: ['connections opened/s', 1],
  server_cpu_ns_per_connection: ['CPU to open one, ns', 1],
  anon_bytes_per_connection: ['anonymous bytes of each', 1],
  server_rss_bytes: ['memory, MiB', 1048576],
};
