// ProtoReader: the wire format of Protocol Buffers, read. Throws a RangeError for bytes that are none.

const kVarint = 0;
const kBytes = 2;
const kGroup = 3;
const kGroupEnd = 4;
const kVarintMax = 10; // bytes
const kGroupsMax = 100; // inside of each other

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class ProtoReader {
  #bytes;
  #at = 0;

  constructor(bytes) {
    this.#bytes = bytes;
  }

  get isAtEnd() {
    return this.#at === this.#bytes.length;
  }

  #varint() {
    let value = 0;
    for (let i = 0; i < kVarintMax; ++i) {
      if (this.isAtEnd) throw new RangeError('cut');
      const byte = this.#bytes[this.#at++];
      value += (byte & 0x7f) * 2 ** (7 * i); // exact below 2^53, where all numbers of ours are
      if (byte < 0x80) return value;
    }
    throw new RangeError('no varint');
  }

  #take(size) {
    if (size > this.#bytes.length - this.#at) throw new RangeError('cut');
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }

  // [field number, wire type]
  tag() {
    const tag = this.#varint();
    if (tag < 8) throw new RangeError('no field');
    return [Math.floor(tag / 8), tag % 8];
  }

  uint(wire) {
    if (wire !== kVarint) throw new RangeError('no number');
    return this.#varint();
  }

  // Not a copy.
  bytes(wire) {
    if (wire !== kBytes) throw new RangeError('no bytes');
    return this.#take(this.#varint());
  }

  // undefined if it is not UTF-8.
  text(wire) {
    const bytes = this.bytes(wire);
    try {
      return decoder.decode(bytes);
    } catch {
      return undefined;
    }
  }

  // A field that is not known.
  skip(wire, number, depth = 0) {
    if (wire === kVarint) return void this.#varint();
    if (wire === kBytes) return void this.bytes(wire);
    if (wire === 1) return void this.#take(8);
    if (wire === 5) return void this.#take(4);
    if (wire !== kGroup || depth === kGroupsMax) throw new RangeError('no field');
    for (;;) {
      const [inner, kind] = this.tag();
      if (kind !== kGroupEnd) this.skip(kind, inner, depth + 1);
      else if (inner === number) return undefined;
      else throw new RangeError('another group ends');
    }
  }
}
