// JsonForm: the full protocol as JSON, written from proto/PROTOCOL.md alone: it shares nothing with the broker's.
//
// Gives and takes the same plain objects as proto_form.mjs. Like any client it ignores members that it does not know.

const kOp = ['set', 'remove', 'event'];
const kErrors = [
  'unspecified', 'malformed', 'unknown_field', 'bad_value', 'missing_field', 'unsupported', 'bad_topic', 'bad_filter',
  'forbidden', 'id_in_use', 'id_not_rising', 'unknown_subscription', 'hello_too_late', 'too_many_subscriptions',
  'too_many_filters', 'too_many_topics', 'memory_full', 'too_large', 'draining', 'too_old', 'fenced', 'too_many_producers', 'token_refused',
];

// What each member is: a kind below, a list of enum names (the first is the default), [kind] for an array, or members.
const kPublish = {
  id: 'integer', topic: 'string', op: kOp, content_type: 'string', headers: 'strings', payload: 'payload',
  producer_seq: 'integer',
};
const kCredit = { messages: 'integer', bytes: 'integer' };
const kDelivery = ['unspecified', 'every', 'latest'];
const kOnLag = ['unspecified', 'degrade', 'skip', 'close'];
const kRequests = {
  hello: { id: 'integer', client: 'string', features: ['string'], producer_id: 'string', token: 'string' },
  refresh: { id: 'integer', token: 'string' },
  subscribe: {
    id: 'integer', filter: 'string', start: ['now', 'last_values', 'last_n', 'since_time', 'resume'],
    last_count: 'integer', echo: 'presence', delivery: kDelivery, max_rate_hz: 'number', on_lag: kOnLag,
    since_us: 'integer', resume_token: 'string', received: [{ origin: 'integer', position: 'integer' }],
  },
  change: { id: 'integer', subscription: 'integer', delivery: kDelivery, max_rate_hz: 'number', on_lag: kOnLag },
  unsubscribe: { id: 'integer', subscription: 'integer' },
  publish: kPublish,
  publish_batch: { messages: [kPublish] },
};
const kEvents = {
  welcome: {
    id: 'integer', epoch: 'string', features: ['string'],
    limits: {
      message_bytes: 'integer', subscriptions: 'integer', topic_bytes: 'integer', headers: 'integer',
      headers_bytes: 'integer', batch_messages: 'integer', producer_window: 'integer',
    },
    ping_interval_ms: 'integer', producer_id: 'string', producer_resumed: 'boolean', credit: kCredit, subject: 'string',
    server: 'string', token_expires_us: 'integer',
  },
  subscribed: { id: 'integer', filter: 'string' },
  unsubscribed: { id: 'integer', subscription: 'integer', reason: 'string' },
  message: {
    seq: 'integer', topic: 'string', op: kOp, content_type: 'string', headers: 'strings', payload: 'payload',
    origin: 'integer', position: 'integer', time_us: 'integer', subscription: 'integer',
    mark: ['live', 'snapshot', 'replay'],
  },
  ack: {
    id: 'integer', seq: 'integer', origin: 'integer', position: 'integer', time_us: 'integer', duplicate: 'boolean',
    up_to: 'integer',
  },
  credit: kCredit,
  snapshot_end: { subscription: 'integer', resumed: ['unspecified', 'recovered', 'conflated', 'gap'] },
  checkpoint: { subscriptions: ['integer'], epoch: 'string', token: 'string' },
  lag: {
    subscription: 'integer', merged: 'integer', skipped: 'integer', caught_up: 'boolean',
    ranges: [{ topic: 'string', first_seq: 'integer', last_seq: 'integer' }], more_ranges: 'boolean',
  },
  go_away: {
    text: 'string', deadline_ms: 'integer', reconnect_after_ms: 'integer', reconnect_within_ms: 'integer', resume: 'boolean',
  },
  error: { code: kErrors, text: 'string', id: 'integer', field: 'string' },
  changed: { id: 'integer', subscription: 'integer' },
  refreshed: { id: 'integer', token_expires_us: 'integer' },
};

const fail = (what) => {
  throw new TypeError(what);
};

const kCheck = {
  integer: (value) => Number.isSafeInteger(value) && value >= 0,
  number: (value) => typeof value === 'number',
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  presence: (value) => typeof value === 'boolean', // kept even where it is false
  strings: (value) => value?.constructor === Object && Object.values(value).every((each) => typeof each === 'string'),
};
const isNothing = (value) =>
  value === 0 || value === '' || value === false || (typeof value === 'object' && Object.keys(value).length === 0);

// A payload is exactly one of these three members; a removal has none.
function readPayload(object, into) {
  const given = ['json', 'text', 'base64'].filter((name) => Object.hasOwn(object, name));
  if (given.length > 1) fail(`a payload twice: ${given}`);
  if (given.length === 0) return object.op === 'remove' ? undefined : fail('no payload');
  const value = object[given[0]];
  if (given[0] !== 'json' && typeof value !== 'string') fail(`${given[0]} is no string`);
  if (given[0] !== 'base64') into.format = given[0];
  const bytes = Buffer.from(given[0] === 'json' ? JSON.stringify(value) : value, given[0] === 'base64' ? 'base64' : 'utf8');
  if (bytes.length > 0) into.payload = bytes;
}

// A name that a newer broker has is read as the default.
function readEnum(names, value, what) {
  if (typeof value !== 'string') fail(`${what}: ${JSON.stringify(value)}`);
  return names.includes(value) ? value : names[0];
}

function read(kind, value, what) {
  if (typeof kind === 'string') return kCheck[kind](value) ? value : fail(`${what}: ${JSON.stringify(value)}`);
  if (!Array.isArray(kind)) return readMembers(kind, value, what);
  if (kind.length > 1) return readEnum(kind, value, what);
  return Array.isArray(value) ? value.map((each) => read(kind[0], each, what)) : fail(`${what}: no array`);
}

function readMembers(members, object, what) {
  if (object?.constructor !== Object) fail(`${what}: no object`);
  const out = {};
  for (const [name, kind] of Object.entries(members)) {
    if (kind === 'payload') readPayload(object, out);
    else if (Object.hasOwn(object, name)) {
      const value = read(kind, object[name], `${what}.${name}`);
      const isMessage = kind.constructor === Object;
      const isDefault = Array.isArray(kind) && kind.length > 1 ? value === kind[0] : !isMessage && isNothing(value);
      if (!isDefault || kind === 'presence') out[name] = value;
    }
  }
  return out;
}

function readEnvelope(kinds, text) {
  const object = JSON.parse(text);
  const names = object?.constructor === Object ? Object.keys(object) : fail('no object');
  const known = names.filter((name) => Object.hasOwn(kinds, name)); // others are a newer broker's
  if (known.length !== 1) fail(`one member is wanted, not ${names}`);
  return { [known[0]]: readMembers(kinds[known[0]], object[known[0]], known[0]) };
}

// The text of an object whose members are texts already, so that a payload of JSON stays as it was given.
const objectText = (members) => `{${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;

function payloadText({ op, format = 'binary', payload = Buffer.alloc(0) }) {
  if (op === 'remove') return [];
  if (format === 'json') return [['json', payload.toString()]];
  if (format === 'text') return [['text', JSON.stringify(payload.toString())]];
  return [['base64', JSON.stringify(payload.toString('base64'))]];
}

function write(kind, value) {
  if (kind?.constructor === Object) return membersText(kind, value);
  if (Array.isArray(value)) return `[${value.map((each) => write(kind[0], each)).join(',')}]`;
  return JSON.stringify(value);
}

function membersText(members, object) {
  const one = (name, kind) => (Object.hasOwn(object, name) ? [[name, write(kind, object[name])]] : []);
  return objectText(
    Object.entries(members).flatMap(([name, kind]) => (kind === 'payload' ? payloadText(object) : one(name, kind))),
  );
}

const writeEnvelope = (kinds, envelope) =>
  objectText(Object.entries(envelope).map(([name, object]) => [name, membersText(kinds[name], object)]));

export const jsonForm = {
  subprotocol: 'ringcast.v1.json',
  writeRequest: (request) => writeEnvelope(kRequests, request),
  readRequest: (text) => readEnvelope(kRequests, text),
  writeEvent: (event) => writeEnvelope(kEvents, event),
  readEvent: (text) => readEnvelope(kEvents, text),
};
