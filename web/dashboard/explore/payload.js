// Payload: a message's data as people read it: JSON laid out, text as it is, binary as hex.

import { valueOf } from '../value.js';

const PREVIEW_CHARS = 160;
const HEX_BYTES_MAX = 4096;
const TEXT_CHARS_MAX = 100_000;

const printable = (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.');
const hex = (byte) => byte.toString(16).padStart(2, '0');

// Offset, sixteen bytes, the same as characters; a line each.
export function hexDump(bytes, bytesMax = HEX_BYTES_MAX) {
  const lines = [];
  for (let at = 0; at < Math.min(bytes.length, bytesMax); at += 16) {
    const row = [...bytes.subarray(at, Math.min(at + 16, bytesMax))];
    const left = row.map(hex).join(' ').replace(/^(.{23}) /, '$1  ');
    lines.push(`${at.toString(16).padStart(8, '0')}  ${left.padEnd(48)}  ${row.map(printable).join('')}`);
  }
  if (bytes.length > bytesMax) lines.push(`… ${bytes.length - bytesMax} more bytes`);
  return lines.join('\n');
}

function cut(text) {
  return text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX)}\n… ${text.length - TEXT_CHARS_MAX} more characters` : text;
}

// The whole of it, on several lines.
export function pretty(message) {
  if (message.op === 'remove') return '(removed: the topic has no value)';
  if (message.format === 'binary') return hexDump(message.data) || '(empty)';
  const value = valueOf(message);
  if (message.format === 'json' || typeof value === 'object') return cut(JSON.stringify(value, null, 2));
  return cut(message.data) || '(empty)';
}

// One line of it.
export function preview(message) {
  if (message.op === 'remove') return '(removed)';
  if (message.format === 'binary') return [...message.data.subarray(0, 24)].map(hex).join(' ') + (message.data.length > 24 ? ' …' : '');
  const text = message.format === 'json' ? JSON.stringify(message.data) : message.data;
  return text.length > PREVIEW_CHARS ? `${text.slice(0, PREVIEW_CHARS)}…` : text;
}

// About how many bytes it is.
export function sizeOf(message) {
  if (message.op === 'remove') return 0;
  if (message.format === 'binary') return message.data.length;
  return new TextEncoder().encode(message.format === 'json' ? JSON.stringify(message.data) : message.data).length;
}

// What the text filter looks through.
export function contains(message, lowerText) {
  if (lowerText === '' || message.topic.toLowerCase().includes(lowerText)) return true;
  if (message.op === 'remove') return false;
  const text = message.format === 'binary' ? preview(message) : message.format === 'json' ? JSON.stringify(message.data) : message.data;
  return text.toLowerCase().includes(lowerText);
}
