// Both codecs of the client against the golden vectors of proto/vectors, whose meaning protobuf.js and a JSON form of
// their own give (tests/e2e/protocol); and the client's table of close codes against proto/PROTOCOL.md.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { root } from '../../e2e/program.mjs';
import { forms } from '../../e2e/protocol/client.mjs';
import { kCloseCodes, remedyOf } from '../../../web/client/close_code.js';
import { codec as json } from '../../../web/client/codec_json.js';
import { makeCodec } from '../../../web/client/codec_proto.js';
import { RingcastError } from '../../../web/client/error.js';
import { Message } from '../../../web/client/message.js';

const codecs = { json, proto: makeCodec(RingcastError) };
const directory = join(root, 'proto/vectors');
const vectors = readdirSync(directory).filter((name) => name.endsWith('.json')).flatMap((file) =>
  JSON.parse(readFileSync(join(directory, file), 'utf8')).map((vector) => ({ ...vector, name: `${file}: ${vector.name}` })));

const bytes = (hex) => new Uint8Array(Buffer.from(hex, 'hex'));
function encodings(vector, form) {
  if (form === 'json') return [vector.json, ...(vector.json_also ?? [])].filter((each) => each !== undefined);
  return [vector.proto_hex, ...(vector.proto_also_hex ?? [])].filter((each) => each !== undefined).map(bytes);
}

const isDefault = (value) => [0, '', false, 'unspecified'].includes(value) || value?.length === 0
  || (value?.constructor === Object && Object.keys(value).length === 0);

// As the client understands an event: without what is the default.
function meaning([name, members]) {
  if (name === 'message') {
    const { data, topic, seq, op, mark, origin, position, timeUs, contentType, headers } = new Message(members);
    const shown = data instanceof Uint8Array ? Buffer.from(data).toString('hex') : data;
    return { topic, seq, op, mark, origin, position, timeUs, contentType, headers: { ...headers }, data: shown, subscription: members.subscription ?? 0 };
  }
  return { name, ...withoutDefaults(members) };
}

function withoutDefaults(value) {
  if (Array.isArray(value)) return value.map(withoutDefaults);
  if (value?.constructor !== Object) return value;
  return Object.fromEntries(Object.entries(value).filter(([, each]) => !isDefault(each)).map(([name, each]) => [name, withoutDefaults(each)]));
}

// The same, as protobuf.js has it.
function meant(event) {
  const [[name, members]] = Object.entries(event);
  const { payload = Buffer.alloc(0), format = 'binary', ...others } = members;
  if (name !== 'message') return meaning([name, members]);
  return meaning([name, { ...others, format, payload: new Uint8Array(payload) }]);
}

const known = (vector) => vector.direction === 'server';
// Members that only a newer broker has are not compared.
function trimmed(value, like) {
  if (Array.isArray(like)) return value.map((each, i) => trimmed(each, like[i]));
  if (like?.constructor !== Object || value === undefined) return value;
  return Object.fromEntries(Object.keys(like).map((name) => [name, trimmed(value[name], like[name])]));
}

describe('events', () => {
  for (const form of ['json', 'proto']) {
    it(`${form} reads every good vector as it is meant`, () => {
      for (const vector of vectors.filter((each) => known(each) && !each.reject)) {
        const wanted = meant(forms.proto.readEvent(Buffer.from(vector.proto_hex, 'hex')));
        for (const data of encodings(vector, form)) {
          const got = meaning(codecs[form].read(data));
          assert.deepEqual(vector.name.startsWith('message') ? got : trimmed(got, wanted), wanted, `${vector.name}: ${vector.json}`);
        }
      }
    });

    it(`${form} refuses every bad vector by its code`, () => {
      for (const vector of vectors.filter((each) => known(each) && each.reject)) {
        for (const data of encodings(vector, form)) {
          assert.throws(() => codecs[form].read(data), { name: 'RingcastError', code: vector.reject.code }, vector.name);
        }
      }
    });

    it(`${form} reads no event that is cut anywhere`, () => {
      const vector = vectors.find(({ name }) => name === 'message.json: live text');
      const [data] = encodings(vector, form);
      for (let size = 0; size < data.length; ++size) {
        assert.throws(() => codecs[form].read(data.slice(0, size)), { name: 'RingcastError' }, `${size}`);
      }
    });
  }
});

describe('requests', () => {
  const good = vectors.filter(({ direction, reject }) => direction === 'client' && !reject);
  // Integers that JavaScript cannot have are not written by this client.
  const requests = good.map((vector) => [vector, forms.proto.readRequest(Buffer.from(vector.proto_hex, 'hex'))])
    .filter(([, request]) => !/\d{16}n/.test(JSON.stringify(request, (_, each) => (typeof each === 'bigint' ? `${each}n` : each))));
  const clientsOwn = ({ payload = '', format = 'binary', ...publish }) =>
    ({ ...publish, format, payload: format === 'binary' ? new Uint8Array(Buffer.from(payload)) : payload.toString() });

  function write(codec, request) {
    const [[name, members]] = Object.entries(request);
    if (name === 'publish') return codec.join([codec.part(clientsOwn({ id: 0, ...members }))]);
    if (name !== 'publish_batch') return codec.write(name, members);
    return codec.join(members.messages.map((each) => codec.part(clientsOwn({ id: 0, ...each }))));
  }

  const comparable = (request) => JSON.parse(JSON.stringify(request));

  it('there are some of each kind', () => assert.ok(requests.length > 40, `${requests.length}`));

  it('proto writes every good vector byte by byte', () => {
    for (const [vector, request] of requests) {
      if (/"headers":{[^}]*"\d+":/.test(vector.json)) continue; // JavaScript puts names that are numbers first
      const isBatchOfOne = request.publish_batch?.messages.length === 1; // which goes as one publish
      if (!isBatchOfOne) assert.equal(Buffer.from(write(codecs.proto, request)).toString('hex'), vector.proto_hex, vector.name);
    }
  });

  it('json writes every good vector with its meaning', () => {
    for (const [vector, request] of requests) {
      if (request.publish_batch?.messages.length === 1) continue;
      const wanted = forms.json.readRequest(vector.json);
      assert.deepEqual(comparable(forms.json.readRequest(write(codecs.json, request))), comparable(wanted), vector.name);
    }
  });
});

it('the remedies of close codes are those of proto/PROTOCOL.md', () => {
  const page = readFileSync(join(root, 'proto/PROTOCOL.md'), 'utf8');
  const [, table] = page.match(/^\| code \| name \| means \| remedy \|\n\|[-|]+\|\n((?:\|.*\n)+)/m);
  const rows = table.trim().split('\n').map((row) => row.split('|').map((cell) => cell.trim()));
  for (const [, code, name, , remedy] of rows) assert.equal(remedyOf(Number(code)), remedy.replace(' ', '_'), name);
  assert.deepEqual(kCloseCodes.filter((code) => code !== 1005), rows.map(([, code]) => Number(code)));
  for (const code of [1006, 3000, 4999]) assert.equal(remedyOf(code), 'back_off', `${code}`);
});
