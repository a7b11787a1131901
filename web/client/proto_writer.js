// ProtoWriter: the wire format of Protocol Buffers, written into a buffer that grows.

const kBegin = 128; // bytes

const encoder = new TextEncoder();

export class ProtoWriter {
  #bytes = new Uint8Array(kBegin);
  #size = 0;

  // Room for `more` bytes: where they begin.
  #room(more) {
    const begin = this.#size;
    this.#size += more;
    if (this.#size > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#size);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    return begin;
  }

  #byte(value) {
    const at = this.#room(1); // before #bytes is read: it may be another one then
    this.#bytes[at] = value;
  }

  #varint(value) {
    for (; value > 0x7f; value = Math.floor(value / 128)) this.#byte((value % 128) | 0x80);
    this.#byte(value);
  }

  uint(number, value) {
    this.#varint(number * 8);
    this.#varint(value);
    return this;
  }

  double(number, value) {
    this.#varint(number * 8 + 1);
    const at = this.#room(8);
    new DataView(this.#bytes.buffer).setFloat64(at, value, true);
    return this;
  }

  bytes(number, value) {
    this.#varint(number * 8 + 2);
    this.#varint(value.length);
    const at = this.#room(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  text(number, value) {
    return this.bytes(number, encoder.encode(value));
  }

  // A view of it.
  finish() {
    return this.#bytes.subarray(0, this.#size);
  }
}
