// The full protocol in Protocol Buffers (subprotocol ringcast.v1.proto); codec_json.js says what a codec is. A message has
// its payload as bytes. Loaded only when it is asked for, so it imports nothing that the rest has: makeCodec() is given it.

import { ProtoReader } from './proto_reader.js';
import { ProtoWriter } from './proto_writer.js';
import { kEvents, kRequests } from './schema.js';

export function makeCodec(RingcastError) {
  const fail = (code, field) => {
    throw new RingcastError(code, `the broker's ${field || 'message'} cannot be read`, { field });
  };

  const byNumber = (members) => new Map(Object.entries(members).map(([name, [number, kind]]) => [number, { name, kind }]));
  const events = byNumber(kEvents);
  const tables = new Map(); // members -> by number
  const tableOf = (members) => {
    if (!tables.has(members)) tables.set(members, byNumber(members));
    return tables.get(members);
  };

  function readValue(reader, kind, wire, path) {
    if (kind.names) return kind.names[reader.uint(wire)] ?? kind.names[0];
    if (kind.fields) return readFields(new ProtoReader(reader.bytes(wire)), kind.fields, path);
    if (kind === 'string') {
      const text = reader.text(wire);
      return text === undefined ? fail('malformed', path) : text;
    }
    if (kind === 'bytes') return reader.bytes(wire);
    const number = reader.uint(wire);
    return kind === 'bool' ? number !== 0 : number;
  }

  function readMember(reader, { name, kind }, wire, members, path) {
    if (kind === 'strings') {
      const { key = '', value = '' } = readFields(new ProtoReader(reader.bytes(wire)), kEntry, `${path}.${name}`);
      (members[name] ??= {})[key] = value;
    } else if (kind.list) {
      const all = (members[name] ??= []);
      const at = `${path}.${name}[${all.length}]`;
      // Numbers come packed: one after the other in bytes of their own.
      const packed = kind.list === 'uint' && wire === 2 ? new ProtoReader(reader.bytes(wire)) : undefined;
      if (packed) while (!packed.isAtEnd) all.push(packed.uint(0));
      else all.push(readValue(reader, kind.list, wire, at));
    } else {
      members[name] = readValue(reader, kind, wire, `${path}.${name}`);
    }
  }

  // A fault of the bytes themselves is blamed on the message that they are.
  function readFields(reader, kinds, path) {
    const members = {};
    const table = tableOf(kinds);
    try {
      while (!reader.isAtEnd) {
        const [number, wire] = reader.tag();
        const member = table.get(number);
        if (member) readMember(reader, member, wire, members, path);
        else reader.skip(wire, number);
      }
    } catch (error) {
      if (error instanceof RangeError) fail('malformed', path);
      throw error;
    }
    return members;
  }

  function read(data) {
    const reader = new ProtoReader(new Uint8Array(data));
    let found;
    let unknown;
    try {
      while (!reader.isAtEnd) {
        const [number, wire] = reader.tag();
        const event = events.get(number);
        if (event) found = [event.name, readFields(new ProtoReader(reader.bytes(wire)), event.kind.fields, event.name)];
        else reader.skip(wire, (unknown = number));
      }
    } catch (error) {
      if (error instanceof RangeError) fail('malformed', '');
      throw error;
    }
    return found ?? fail(unknown ? 'unknown_field' : 'malformed', unknown ? `${unknown}` : '');
  }

  function writeFields(writer, kinds, members) {
    for (const [name, [number, kind]] of Object.entries(kinds)) {
      const value = members[name];
      if (value === undefined) continue;
      if (kind.list) for (const each of value) writeValue(writer, number, kind.list, each, true);
      else if (kind === 'strings') for (const [key, text] of Object.entries(value)) writeEntry(writer, number, key, text);
      else writeValue(writer, number, kind, value, kind === 'presence');
    }
    return writer;
  }

  // In maps, even what is empty is written.
  const writeEntry = (writer, number, key, value) => writer.bytes(number, new ProtoWriter().text(1, key).text(2, value).finish());

  // Defaults are left out, but in lists.
  function writeValue(writer, number, kind, value, always) {
    if (kind.fields) return writer.bytes(number, writeFields(new ProtoWriter(), kind.fields, value).finish());
    const plain = kind.names ? kind.names.indexOf(value) : value;
    if (!always && (kind === 'bytes' ? value.length === 0 : !plain)) return writer;
    if (kind === 'string') return writer.text(number, value);
    if (kind === 'bytes') return typeof value === 'string' ? writer.text(number, value) : writer.bytes(number, value);
    return kind === 'double' ? writer.double(number, value) : writer.uint(number, Number(plain));
  }

  const kEntry = { key: [1, 'string'], value: [2, 'string'] };
  const kPublish = kRequests.publish[1].fields;
  const kPlace = { publish: kRequests.publish[0], publish_batch: kRequests.publish_batch[0], messages: 1 };

  return {
    subprotocol: 'ringcast.v1.proto',
    write: (name, members) => {
      const [number, { fields }] = kRequests[name];
      return new ProtoWriter().bytes(number, writeFields(new ProtoWriter(), fields, members).finish()).finish();
    },
    part: (publish) => writeFields(new ProtoWriter(), kPublish, publish).finish(),
    join: (parts) => {
      if (parts.length === 1) return new ProtoWriter().bytes(kPlace.publish, parts[0]).finish();
      const batch = new ProtoWriter();
      for (const each of parts) batch.bytes(kPlace.messages, each);
      return new ProtoWriter().bytes(kPlace.publish_batch, batch.finish()).finish();
    },
    read,
  };
}
