// The client at the end of proto/PROTOCOL.md works as it stands there.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { Broker } from './broker.mjs';
import { Signal, root } from './program.mjs';

it('the client of PROTOCOL.md subscribes, publishes, dispatches and is told of errors', async (t) => {
  const page = readFileSync(join(root, 'proto/PROTOCOL.md'), 'utf8');
  const [, source] = page.match(/^```js\n([\s\S]*?)^```$/m);
  const { connect } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
  const broker = await Broker.of(t);

  const said = [];
  const changed = new Signal();
  const hear = (who) => (message) => {
    said.push(`${who}: ${message.topic} ${message.text ?? JSON.stringify(message.json)}`);
    changed.wake();
  };
  const client = connect(`ws://127.0.0.1:${broker.port}/ws`);
  assert.equal((await client.publish('chat/room1', { text: 'kept' })).seq, 1);
  await client.subscribe('chat/#', hear('all'), { start: 'last_values' });
  await client.subscribe('chat/+', hear('rooms'));
  await changed.until(() => said.length === 1, 'the last value');
  await client.publish('chat/room1/side', { json: { px: 191.2 } });
  await changed.until(() => said.length === 2, () => said.join()); // between topics there is no order
  await client.publish('chat/room2', { text: 'hello' });
  await changed.until(() => said.length === 4, () => said.join());
  assert.deepEqual(said, [
    'all: chat/room1 kept', 'all: chat/room1/side {"px":191.2}', 'all: chat/room2 hello', 'rooms: chat/room2 hello',
  ]);
  await assert.rejects(client.publish('chat/+', { text: 'x' }), { code: 'bad_topic' });
  await assert.rejects(client.subscribe('chat/#/x', hear('none')), { code: 'bad_filter' });
  client.close();
});
