// ProtoForm: the full protocol as Protocol Buffers, read and written by protobuf.js from proto/ringcast.proto.
//
// What it gives and takes is plain: {subscribe: {id: 1, filter: 'a/#', start: 'last_values'}}, with the names of the
// .proto, enums as in the JSON form, integers as numbers (BigInt from 2^53 on), bytes as Buffers, defaults left out.

import { join } from 'node:path';
import { require, root as directory } from '../program.mjs';

const protobuf = require('protobufjs');
const schema = new protobuf.Root().loadSync(join(directory, 'proto/ringcast.proto'), { keepCase: true });

export const ClientMessage = schema.lookupType('ringcast.v1.ClientMessage');
export const ServerMessage = schema.lookupType('ringcast.v1.ServerMessage');

// {SET: 'set'} of OP_SET: the names of an enum share a prefix, which is not that of ON_LAG's type name alone.
function prefix(type) {
  const names = Object.keys(type.values);
  const snake = type.name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase() + '_';
  return names.every((name) => name.startsWith(snake)) ? snake : names[0].slice(0, names[0].indexOf('_') + 1);
}
const shortName = (type, name) => name.slice(prefix(type).length).toLowerCase();

export function enumNames(name) {
  const type = schema.lookupEnum(`ringcast.v1.${name}`);
  return Object.fromEntries(Object.entries(type.values).map(([long, number]) => [shortName(type, long), number]));
}

const isDefault = (value) =>
  value === 0 || value === 0n || value === '' || value === false || (value?.length === 0) ||
  (value?.constructor === Object && Object.keys(value).length === 0);

// One value of a field as protobuf.js has it, made plain.
function plain(field, value) {
  if (field.resolvedType instanceof protobuf.Enum) {
    const name = field.resolvedType.valuesById[value] ?? field.resolvedType.valuesById[0]; // one of a newer broker
    return shortName(field.resolvedType, name);
  }
  if (field.resolvedType) return plainMessage(field.resolvedType, value);
  if (field.type === 'bytes') return Buffer.from(value);
  if (typeof value === 'object') {
    const exact = BigInt(value.toString());
    return exact > BigInt(Number.MAX_SAFE_INTEGER) ? exact : Number(exact);
  }
  return value;
}

function plainMessage(type, message) {
  const out = {};
  for (const field of type.fieldsArray) {
    const value = message[field.name];
    if (!Object.hasOwn(message, field.name) || value === null || value === undefined) continue;
    if (field.map) out[field.name] = { ...value };
    else if (field.repeated) out[field.name] = value.map((each) => plain(field, each));
    else out[field.name] = plain(field, value);
    const isZeroOf = field.resolvedType instanceof protobuf.Enum && out[field.name] === plain(field, 0);
    const isMember = field.partOf || (field.resolvedType instanceof protobuf.Type && !field.repeated);
    if (!isMember && (isZeroOf || isDefault(out[field.name]))) delete out[field.name];
  }
  return out;
}

function stored(field, value) {
  if (field.resolvedType instanceof protobuf.Enum) {
    if (typeof value === 'number') return value;
    const name = Object.keys(field.resolvedType.values).find((each) => shortName(field.resolvedType, each) === value);
    if (name === undefined) throw new Error(`${field.fullName}: no ${value}`);
    return field.resolvedType.values[name];
  }
  if (field.resolvedType) return storedMessage(field.resolvedType, value);
  return typeof value === 'bigint' ? protobuf.util.Long.fromString(value.toString(), true) : value;
}

function storedMessage(type, object) {
  const out = {};
  for (const [name, value] of Object.entries(object)) {
    const field = type.fields[name];
    if (!field) throw new Error(`${type.name} has no ${name}`);
    if (field.map) out[name] = value;
    else out[name] = field.repeated ? value.map((each) => stored(field, each)) : stored(field, value);
  }
  return type.create(out);
}

const encode = (type, object) => Buffer.from(type.encode(storedMessage(type, object)).finish());
const decode = (type, bytes) => plainMessage(type, type.decode(bytes));

export const protoForm = {
  subprotocol: 'ringcast.v1.proto',
  writeRequest: (request) => encode(ClientMessage, request),
  readRequest: (bytes) => decode(ClientMessage, bytes),
  writeEvent: (event) => encode(ServerMessage, event),
  readEvent: (bytes) => decode(ServerMessage, bytes),
};
