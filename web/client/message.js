// Message: what a subscription is given.

const decoder = new TextDecoder();

export class Message {
  #wire;
  #data;
  #isDecoded = false;

  constructor(wire) {
    this.#wire = wire;
    this.topic = wire.topic;
    this.seq = wire.seq ?? 0;
    this.op = wire.op ?? 'set';
    this.mark = wire.mark ?? 'live';
    this.origin = wire.origin ?? 0;
    this.position = wire.position ?? 0;
    this.timeUs = wire.time_us ?? 0;
    this.contentType = wire.content_type ?? '';
    this.headers = wire.headers ?? {};
    this.format = wire.format ?? 'binary';
  }

  get time() {
    return new Date(this.timeUs / 1000);
  }

  // JSON parsed, text as a string, binary as a Uint8Array; undefined of a removal.
  get data() {
    if (!this.#isDecoded) {
      this.#isDecoded = true;
      this.#data = this.op === 'remove' ? undefined : this.#decode();
    }
    return this.#data;
  }

  #decode() {
    if ('value' in this.#wire) return this.#wire.value;
    const bytes = this.#wire.payload ?? new Uint8Array();
    if (this.format === 'binary') return bytes;
    const text = decoder.decode(bytes);
    return this.format === 'json' ? JSON.parse(text) : text;
  }
}
