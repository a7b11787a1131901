// The golden vectors of proto/vectors (its README says what they hold), read by an implementation that shares no code
// with the broker's, and answered by the broker itself.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { Broker } from './broker.mjs';
import { closeAll } from './client.mjs';
import { root } from './program.mjs';
import { FullClient, forms, fullUrl } from './protocol/client.mjs';
import { kFormErrors } from './protocol/errors.mjs';

const directory = join(root, 'proto/vectors');
const vectors = readdirSync(directory).filter((name) => name.endsWith('.json')).flatMap((file) =>
  JSON.parse(readFileSync(join(directory, file), 'utf8')).map((vector) => ({ ...vector, name: `${file}: ${vector.name}` })));
const good = vectors.filter((vector) => !vector.reject);
const bad = vectors.filter((vector) => vector.reject);

// The encodings that a vector has, by form; the first of each is the one that is written.
function encodings(vector) {
  const hex = [vector.proto_hex, ...(vector.proto_also_hex ?? [])].filter((each) => each !== undefined);
  const text = [vector.json, ...(vector.json_also ?? [])].filter((each) => each !== undefined);
  return { proto: hex.map((each) => Buffer.from(each, 'hex')), json: text };
}

// JSON inside a payload is compared as a value: this reader writes it anew.
function comparable(envelope) {
  const [[name, members]] = Object.entries(envelope);
  const payload = (each) => (each.format === 'json' ? { ...each, payload: JSON.parse(each.payload.toString()) } : each);
  if (name !== 'publish_batch') return { [name]: payload(members) };
  return { [name]: { messages: (members.messages ?? []).map(payload) } };
}

function readOf(vector, form) {
  const read = vector.direction === 'client' ? forms[form].readRequest : forms[form].readEvent;
  return (data) => comparable(read(data));
}

it('every vector has a direction, a name of its own, and all its parts', () => {
  assert.ok(good.length > 0 && bad.length > 0);
  assert.equal(new Set(vectors.map(({ name }) => name)).size, vectors.length);
  for (const vector of vectors) {
    assert.match(vector.direction, /^(client|server)$/, vector.name);
    const { proto, json } = encodings(vector);
    assert.ok(vector.reject ? proto.length + json.length > 0 : proto.length > 0 && json.length > 0, vector.name);
  }
});

it('protobuf.js and a JSON form written from PROTOCOL.md read every good vector alike, and write it so', () => {
  for (const vector of good) {
    const { proto, json } = encodings(vector);
    const meaning = readOf(vector, 'proto')(proto[0]);
    for (const data of proto) assert.deepEqual(readOf(vector, 'proto')(data), meaning, vector.name);
    for (const data of json) assert.deepEqual(readOf(vector, 'json')(data), meaning, vector.name);
    const kind = vector.direction === 'client' ? 'Request' : 'Event';
    const plain = forms.proto[`read${kind}`](proto[0]);
    const written = forms.proto[`write${kind}`](plain);
    assert.deepEqual(readOf(vector, 'proto')(written), meaning, vector.name);
    // JavaScript puts names that are numbers before all others.
    if (!/"headers":{[^}]*"\d+":/.test(json[0])) assert.equal(written.toString('hex'), vector.proto_hex, vector.name);
    assert.deepEqual(readOf(vector, 'json')(forms.json[`write${kind}`](plain)), meaning, vector.name);
  }
});

describe('the broker', () => {
  let broker;
  before(async () => (broker = await Broker.start()));
  afterEach(closeAll);
  after(() => broker.stop());

  const kProbe = { id: 2 ** 40, subscription: 2 ** 41 };

  // What the broker says to `data` by the time that it has answered the request that follows, and all that came before.
  async function answers(form, { vector, data }) {
    const client = await FullClient.open(fullUrl(broker), { form });
    if (!vector.name.startsWith('hello')) await client.hello(); // it makes the client a producer, too
    const before = client.events.length;
    client.sendRaw(data);
    client.send({ unsubscribe: kProbe });
    const said = () => client.events.slice(before).filter(([, { id }]) => id !== kProbe.id);
    await client.event('error', ({ id }) => id === kProbe.id);
    if (vector.reject) await client.until(() => said().length > 0, `an answer to ${vector.name}`); // in whatever order
    await client.roundTrip();
    await client.close();
    return said();
  }

  for (const form of ['proto', 'json']) {
    const each = (list) => list.filter(({ direction }) => direction === 'client')
      .flatMap((vector) => encodings(vector)[form].map((data) => ({ vector, data })));

    it(`finds no fault with the form of a good request, ${form}`, async () => {
      for (const request of each(good)) {
        const faults = (await answers(form, request)).filter(([name, { code }]) => name === 'error' && kFormErrors.includes(code));
        assert.deepEqual(faults, [], request.vector.name);
      }
    });

    it(`answers a bad request by its error, and keeps the connection, ${form}`, async () => {
      for (const request of each(bad)) {
        const { name, reject } = request.vector;
        const said = await answers(form, request);
        assert.deepEqual(said.map(([event]) => event), ['error'], name);
        const { text, ...error } = said[0][1];
        assert.deepEqual(error, reject, name);
        assert.ok(text?.length > 0, `${name}: a text for people`);
      }
    });
  }
});
