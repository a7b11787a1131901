// slow_reader: fills a broker with last values, then reads them slowly, again and again: perf/snapshot's other half.
//
//   node perf/slow_reader.mjs PORT fill COUNT       publishes COUNT topics below snap/, and ends
//   node perf/slow_reader.mjs PORT read|idle        takes 64 KiB of a snapshot of all of them every 20 ms until it is
//                                                   ended by a signal; idle: subscribes to nothing, for comparison
//
// It reads bytes, not messages: what it costs is not to be seen in anybody's latency. tests/e2e/snapshot.test.mjs looks
// at what is in them.

import net from 'node:net';
import { FullClient, publishOf } from '../tests/e2e/protocol/client.mjs';

const kBatch = 1000;
const kReadBytes = 64 * 1024;
const kEveryMs = 20;

const [port, mode, count] = process.argv.slice(2);

async function fill() {
  const client = await FullClient.open(`ws://127.0.0.1:${port}/ws`, { form: 'proto' });
  for (let first = 0; first < count; first += kBatch) {
    const messages = Array.from({ length: kBatch }, (_, i) => publishOf(`snap/${(first + i) % 100}/${first + i}`, 'x'.repeat(100)));
    client.send({ publish_batch: { messages } });
    await client.publish(`snap/filled`, `${first}`); // not further ahead than one batch
  }
  await client.close();
}

// One snapshot after the other, each on a connection of its own. SnapshotEnd is the end of it: {"snapshot_end":{…}}.
function read() {
  const target = mode === 'read' ? '/topics/snap/%23?last=1' : '/ws';
  const socket = net.connect(port, '127.0.0.1');
  socket.write(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ringcast.v1.json\r\n\r\n');
  let taken = 0;
  socket.on('data', (data) => {
    taken += data.length;
    if (data.includes('{"snapshot_end":')) return socket.destroy();
    if (taken < kReadBytes) return;
    taken = 0;
    socket.pause();
    setTimeout(() => socket.resume(), kEveryMs);
  });
  socket.on('error', () => process.exit(1));
  socket.on('close', read);
}

if (mode === 'fill') await fill();
else read();
