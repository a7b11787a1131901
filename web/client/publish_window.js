// PublishWindow: what is to be published and has no answer yet, in order, each with its producer sequence number.
//
// Over a lost connection entries stay, and are sent again in order with the same numbers, so that the broker knows a
// repeat. It does so for the newest 1,024 numbers: no entry is sent so far above the first without an answer.

export const kUnackedMax = 1024; // the broker's, if it says no less
export const kUnackedBytesMax = 4 * 1024 * 1024; // what one connection may have unanswered

export class PublishWindow {
  #entries = new Map(); // producer_seq -> entry, rising
  #unsent = []; // producer_seqs, rising; those before #next are gone
  #next = 0;
  #lastSeq = 0;
  #sentBytes = 0;
  spanMax = kUnackedMax;

  get size() {
    return this.#entries.size;
  }

  push(ref, publication) {
    const seq = (this.#lastSeq += 1);
    this.#entries.set(seq, { ref, seq, publication, isSent: false, inDoubt: false, maybeTwice: false, epochChanged: false });
    this.#unsent.push(seq);
  }

  // The next entry to send, now sent; undefined: none, or no room on the way.
  send() {
    const seq = this.#unsent[this.#next];
    if (seq === undefined) return undefined;
    const [first] = this.#entries.keys();
    const entry = this.#entries.get(seq);
    const { bytes } = entry.publication;
    if (seq >= first + this.spanMax || (this.#sentBytes > 0 && this.#sentBytes + bytes > kUnackedBytesMax)) return undefined;
    this.#next += 1;
    if (this.#next > kUnackedMax && this.#next * 2 > this.#unsent.length) this.#unsent.splice(0, this.#next), (this.#next = 0);
    this.#sentBytes += bytes;
    entry.isSent = true;
    return entry;
  }

  // The entry, if it waits for its answer, which it has now.
  take(seq) {
    const entry = this.#entries.get(seq);
    if (!entry?.isSent) return undefined;
    this.#entries.delete(seq);
    this.#sentBytes -= entry.publication.bytes;
    return entry;
  }

  // The broker says that it did not publish it: it goes again on the next connection.
  putBack(seq) {
    const entry = this.#entries.get(seq);
    if (!entry?.isSent) return;
    entry.isSent = false;
    this.#sentBytes -= entry.publication.bytes;
  }

  // The connection is lost: whether what was sent was published is not known.
  lose() {
    for (const entry of this.#entries.values()) {
      entry.inDoubt ||= entry.isSent;
      entry.isSent = false;
    }
    this.#unsent = [...this.#entries.keys()];
    this.#next = this.#sentBytes = 0;
  }

  // The broker does not know what we sent before.
  forget(epochChanged) {
    for (const entry of this.#entries.values()) {
      entry.maybeTwice ||= entry.inDoubt;
      entry.epochChanged ||= entry.inDoubt && epochChanged;
    }
  }

  // All that have no answer, which will get none.
  drain() {
    const all = [...this.#entries.values()];
    this.#entries.clear();
    this.#unsent = [];
    this.#next = this.#sentBytes = 0;
    return all;
  }
}
