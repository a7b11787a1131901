// proto/PROTOCOL.md says what is so: its examples are the same message in both forms, and its table of errors is that of
// the .proto. (Its table of close codes is compared in tests/proto/protocol_page_test.cc, its client runs in
// protocol_client.test.mjs.)

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { root } from './program.mjs';
import { jsonForm } from './protocol/json_form.mjs';
import { ClientMessage, ServerMessage, enumNames, protoForm } from './protocol/proto_form.mjs';

const page = readFileSync(join(root, 'proto/PROTOCOL.md'), 'utf8');
const [, examples] = page.match(/^```examples\n([\s\S]*?)^```$/m);

const membersOf = (type) => Object.keys(type.fields);

it('each example is one message in two forms, and each message has one', () => {
  const shown = new Set();
  for (const pair of examples.trim().split('\n\n')) {
    const [json, hex, ...rest] = pair.split('\n');
    assert.deepEqual(rest, []);
    const [name] = Object.keys(JSON.parse(json));
    const kind = membersOf(ClientMessage).includes(name) ? 'Request' : 'Event';
    const message = jsonForm[`read${kind}`](json);
    assert.equal(protoForm[`write${kind}`](message).toString('hex'), hex, json);
    assert.deepEqual(protoForm[`read${kind}`](Buffer.from(hex, 'hex')), message, json);
    assert.equal(jsonForm[`write${kind}`](message), json);
    shown.add(name);
  }
  assert.deepEqual([...shown].sort(), [...membersOf(ClientMessage), ...membersOf(ServerMessage)].sort());
});

it('the table of errors has each code of the .proto, in its order, and no other', () => {
  const [, table] = page.match(/^\| code \| means \| do \|\n\|[-|]+\|\n((?:\|.*\n)+)/m);
  const rows = table.trim().split('\n').map((row) => row.split('|').map((cell) => cell.trim()));
  assert.deepEqual(rows.map(([, code]) => code.replaceAll('`', '')), Object.keys(enumNames('ErrorCode')).slice(1));
  for (const [, code, means, remedy] of rows) assert.ok(means && remedy, `${code} says what it means and what to do`);
});
