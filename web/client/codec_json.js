// The full protocol in JSON (subprotocol ringcast.v1.json).
//
// A codec: write(name, members) makes a request, part(publish) one publish and join(parts) a request of them; read(data)
// gives [name, members] of an event, or throws a RingcastError. Members are those of the .proto; a message has its payload
// as `format` and `value`.

import { RingcastError } from './error.js';

const fail = (code, field) => {
  throw new RingcastError(code, `the broker's ${field || 'message'} cannot be read`, { field });
};
const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const isUint = (value) => Number.isSafeInteger(value) && value >= 0;
const isString = (value) => typeof value === 'string';
const isBool = (value) => typeof value === 'boolean';

// A member's name says what it is, whatever it is a member of.
const kChecks = {};
for (const [check, names] of [
  [isUint, 'id seq position time_us subscription first_seq last_seq merged skipped up_to messages bytes ping_interval_ms deadline_ms'],
  [(value) => isUint(value) && value < 2 ** 32, 'origin'],
  [isString, 'topic epoch token filter content_type producer_id subject server text code field'],
  [isBool, 'duplicate producer_resumed caught_up more_ranges'],
  [(value) => isObject(value) && Object.values(value).every(isString), 'headers'],
  [isObject, 'limits'],
  [Array.isArray, 'features subscriptions ranges'],
]) for (const name of names.split(' ')) kChecks[name] = check;

const kNames = {
  op: ['set', 'remove', 'event'],
  mark: ['live', 'snapshot', 'replay'],
  resumed: ['unspecified', 'recovered', 'conflated', 'gap'],
};

const kEvents = /^(welcome|(un)?subscribed|message|ack|credit|snapshot_end|checkpoint|lag|go_away|error|changed)$/;

// Members that a newer broker has are left as they are, its enum values become the first.
function check(members, path) {
  if (!isObject(members)) fail('bad_value', path);
  for (const name in members) {
    const value = members[name];
    const names = Object.hasOwn(kNames, name) && kNames[name];
    if (names ? !isString(value) : Object.hasOwn(kChecks, name) && !kChecks[name](value)) fail('bad_value', `${path}.${name}`);
    if (names && !names.includes(value)) members[name] = names[0];
    if (name === 'ranges') value.forEach((each, i) => check(each, `${path}.ranges[${i}]`));
  }
}

function bytesOf(base64) {
  try {
    return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  } catch {
    return fail('bad_value', 'message.base64');
  }
}

function base64Of(bytes) {
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192)); // of the stack's size
  return btoa(text);
}

function readPayload(message) {
  const { json, text, base64, op } = message;
  delete message.payload;
  if (json !== undefined) return Object.assign(message, { format: 'json', value: json });
  if (text !== undefined) return Object.assign(message, { format: 'text', value: text });
  if (isString(base64)) return Object.assign(message, { format: 'binary', value: bytesOf(base64) });
  return op === 'remove' ? message : fail('missing_field', 'message.json');
}

function read(data) {
  let envelope;
  try {
    envelope = JSON.parse(data);
  } catch {
    // told below
  }
  const names = isObject(envelope) ? Object.keys(envelope) : [];
  const name = names.find((each) => kEvents.test(each));
  if (!name) fail(names.length ? 'unknown_field' : 'malformed', names[0] ?? '');
  const members = envelope[name];
  check(members, name);
  return [name, name === 'message' ? readPayload(members) : members];
}

function part({ id, topic, op, content_type, headers, format, payload, producer_seq }) {
  let text = `{"id":${id},"topic":${JSON.stringify(topic)}`;
  if (op && op !== 'set') text += `,"op":"${op}"`;
  if (content_type) text += `,"content_type":${JSON.stringify(content_type)}`;
  if (headers && Object.keys(headers).length) text += `,"headers":${JSON.stringify(headers)}`;
  if (producer_seq) text += `,"producer_seq":${producer_seq}`;
  if (op === 'remove') return `${text}}`;
  if (format === 'json') return `${text},"json":${payload}}`;
  return `${text},${format === 'text' ? `"text":${JSON.stringify(payload)}` : `"base64":"${base64Of(payload)}"`}}`;
}

export const codec = {
  subprotocol: 'ringcast.v1.json',
  write: (name, members) => JSON.stringify({ [name]: members }),
  part,
  join: (parts) => (parts.length === 1 ? `{"publish":${parts[0]}}` : `{"publish_batch":{"messages":[${parts}]}}`),
  read,
};
