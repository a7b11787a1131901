// Publication: what is to be published, checked and made to text or bytes once, when publish() is called: what the program
// does to its objects afterwards changes nothing.
//
// One request holds many publications, and one that is malformed refuses them all, in JSON without a word whose fault it
// was: so what the broker cannot read is refused here.

import { RingcastError } from './error.js';

const kHeadersMax = 16;
const kHeadersBytesMax = 1024;
const kContentTypeMax = 255; // bytes
const kDepthMax = 100; // of JSON
const kMost = 2n ** 64n; // integers have 64 bits
const kLeast = -(2n ** 63n);
const kAloneBytes = 32 * 1024; // nothing is saved by packing larger ones together

const encoder = new TextEncoder();
const bytesOf = (text) => encoder.encode(text).length;
// Halves of surrogate pairs cannot be written in UTF-8.
const isText = (value) => typeof value === 'string' && !/\p{Surrogate}/u.test(value);

function refuse(field, why, code = 'bad_value') {
  throw new RingcastError(code, `${field} ${why}`, { field: `publish.${field}` });
}

function checkHeaders(headers) {
  const entries = Object.entries(headers);
  let bytes = 0;
  for (const [name, value] of entries) {
    if (!isText(name) || !isText(value)) refuse('headers', 'are strings');
    bytes += bytesOf(name) + bytesOf(value);
  }
  if (entries.length > kHeadersMax || bytes > kHeadersBytesMax) refuse('headers', 'are too many', 'too_large');
}

// {format, payload}: text, JSON as text, or bytes that are ours.
function payloadOf(data, as) {
  if (ArrayBuffer.isView(data)) {
    return { format: 'binary', payload: new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice() };
  }
  if (data instanceof ArrayBuffer) return { format: 'binary', payload: new Uint8Array(data.slice()) };
  if (typeof data === 'string' && as !== 'json') return { format: 'text', payload: data };
  const payload = JSON.stringify(data);
  if (payload === undefined) refuse('data', 'is nothing that can be published');
  return { format: 'json', payload };
}

// What JSON.stringify() writes and the broker does not take.
function checkJson(text) {
  if (/(^|[^\\])(\\\\)*\\ud/.test(text)) refuse('data', 'is not well-formed text'); // it escapes only halves of pairs so
  if (!/\d{19}/.test(text) && !(text.match(/[[{]/g)?.length > kDepthMax)) return;
  const bare = text.replace(/"([^"\\]|\\.)*"/g, '""');
  for (const [integer] of bare.matchAll(/(?<![.\d])-?\d{19,}(?![.\de])/g)) {
    if (BigInt(integer) >= kMost || BigInt(integer) < kLeast) refuse('data', `has an integer of more than 64 bits: ${integer}`);
  }
  let depth = 0;
  for (const [bracket] of bare.matchAll(/[[\]{}]/g)) {
    depth += '[{'.includes(bracket) ? 1 : -1;
    if (depth > kDepthMax) refuse('data', `is nested more than ${kDepthMax} deep`, 'too_large');
  }
}

// The members of proto's Publish but for the ids; `bytes` is about its size.
export function makePublication(topic, data, { op = 'set', as, contentType = '', headers = {} } = {}) {
  if (!isText(topic) || topic === '') refuse('topic', 'is a name', 'bad_topic');
  if (!isText(contentType) || contentType.length > kContentTypeMax || !/^(?! )[ -~]*$(?<! )/.test(contentType)) {
    refuse('contentType', 'is no media type');
  }
  checkHeaders(headers);
  const publication = { topic, op, content_type: contentType, headers };
  if (op !== 'remove') Object.assign(publication, payloadOf(data, as));
  const { format, payload = '' } = publication;
  if (format === 'text' && !isText(payload)) refuse('data', 'is not well-formed text');
  publication.bytes = topic.length + payload.length;
  if (format === 'json') checkJson(payload);
  publication.alone = publication.bytes > kAloneBytes;
  return publication;
}
