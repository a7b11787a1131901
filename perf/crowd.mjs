// Crowd: many subscribers in a process of their own, which only count frames and bytes.

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { cpuNs, keep } from './broker.mjs';
import { Socket } from './socket.mjs';

const kAtOnce = 50; // connections being opened

// The parent's side.
export class Crowd {
  // `request`: what each says when it is open, if it speaks the full protocol.
  static async start(port, count, path, request) {
    const crowd = new Crowd();
    crowd.child = keep(fork(fileURLToPath(import.meta.url), [`${port}`, `${count}`, path, JSON.stringify(request ?? null)]));
    await crowd.#answer();
    return crowd;
  }

  // {frames: [of each], bytes: of all, over: how many are}, since it began; with the CPU time that counting took.
  async count() {
    this.child.send('count');
    return { ...await this.#answer(), cpuNs: cpuNs(this.child.pid) };
  }

  stop() {
    this.child.disconnect();
  }

  #answer() {
    return new Promise((resolve, reject) => {
      this.child.once('exit', () => reject(new Error('the crowd ended')));
      this.child.once('message', resolve);
    });
  }
}

// The child's side.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [port, count, path, request] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4], JSON.parse(process.argv[5])];
  const sockets = [];
  while (sockets.length < count) {
    const few = Array.from({ length: Math.min(kAtOnce, count - sockets.length) }, () => Socket.open(port, path, { json: request !== null }));
    for (const socket of await Promise.all(few)) {
      if (request) socket.send(request);
      sockets.push(socket);
    }
  }
  process.on('message', () => process.send({
    frames: sockets.map(({ frames }) => frames),
    bytes: sockets.reduce((sum, { bytes }) => sum + bytes, 0),
    over: sockets.filter(({ over }) => over).length,
  }));
  process.on('disconnect', () => process.exit(0));
  process.send('ready');
}
