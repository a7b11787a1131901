// Publisher: what was published goes out in as few messages as the protocol allows, and each gets its answer.
//
// All that is published in one turn of the program leaves in one publish_batch, as far as the limits allow.

import { RingcastError } from './error.js';
import { PublishWindow, kUnackedMax } from './publish_window.js';

const kBatchBytesMax = 256 * 1024; // larger ones would make their own answers wait
const kBatchMessagesMax = 1024;
const kOverheadBytes = 16; // of a publish in a batch, and of the batch
const encoder = new TextEncoder();

export class Publisher {
  #window = new PublishWindow();
  #connection; // while publishes may be sent
  #limits = {};
  #sent = new Map(); // request id on this connection -> {seq, batch}
  #isScheduled = false;
  #answered;
  #nextId;

  // answered(ref, result, error): one of the last two. nextId(): rising on each connection.
  constructor({ answered, nextId }) {
    this.#answered = answered;
    this.#nextId = nextId;
  }

  get isIdle() {
    return this.#window.size === 0;
  }

  push(ref, publication) {
    this.#window.push(ref, publication);
    this.#schedule();
  }

  // There is a connection.
  begin(connection, { limits = {}, producer_resumed, epoch }, epochChanged) {
    if (!producer_resumed) this.#window.forget(epochChanged);
    this.#limits = limits;
    this.epoch = epoch;
    this.#window.spanMax = Math.min(limits.producer_window || kUnackedMax, kUnackedMax);
    this.#connection = connection;
    this.flush();
  }

  // The broker drains: what is not sent waits for the next connection.
  hold() {
    this.#connection = undefined;
  }

  lose() {
    this.#connection = undefined;
    this.#sent.clear();
    this.#window.lose();
  }

  #schedule() {
    if (this.#isScheduled || !this.#connection) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.flush();
    });
  }

  flush() {
    let parts = [];
    let batch = []; // the ids of `parts`
    let bytes = 0;
    const send = () => {
      if (parts.length > 0) this.#connection.publish(parts);
      [parts, batch, bytes] = [[], [], 0];
    };
    for (let entry; this.#connection && (entry = this.#window.send()); ) {
      const id = this.#nextId();
      const part = this.#connection.codec.part({ id, producer_seq: entry.seq, ...entry.publication });
      const size = this.#sizeOf(part);
      if (size > (this.#limits.message_bytes || Infinity)) {
        this.#refuse(entry.seq, new RingcastError('too_large', `it has ${size} bytes; the broker takes ${this.#limits.message_bytes}`));
        continue;
      }
      const isFull = batch.length >= (this.#limits.batch_messages || kBatchMessagesMax) || bytes + size > this.#batchBytes;
      if (isFull || entry.publication.alone) send();
      parts.push(part);
      batch.push(id);
      bytes += size;
      this.#sent.set(id, { seq: entry.seq, batch });
      if (entry.publication.alone) send();
    }
    send();
  }

  get #batchBytes() {
    return Math.min(kBatchBytesMax, this.#limits.message_bytes || Infinity);
  }

  // On the wire, or somewhat more.
  #sizeOf(part) {
    const isAscii = typeof part !== 'string' || /^[ -~]*$/.test(part);
    return kOverheadBytes + (isAscii ? part.length : encoder.encode(part).length);
  }

  acknowledged({ id = 0, seq = 0, origin = 0, position = 0, time_us = 0, duplicate = false }) {
    const entry = this.#taken(id);
    if (!entry) return;
    const { maybeTwice, epochChanged } = entry;
    const status = duplicate ? 'duplicate' : 'sequenced';
    this.#answered(entry.ref, { status, seq, epoch: this.epoch, origin, position, timeUs: time_us, maybeTwice, epochChanged });
    this.#schedule();
  }

  #taken(id) {
    const sent = this.#sent.get(id);
    this.#sent.delete(id);
    return sent && this.#window.take(sent.seq);
  }

  // True if the error was about publishes. `draining`: it goes again on the next connection.
  refused({ code, text, id, field = '' }) {
    if (!this.#sent.has(id)) return false;
    // A batch that cannot be read is refused as a whole, in the name of one.
    const ids = field.startsWith('publish_batch') ? [...this.#sent.get(id).batch] : [id];
    for (const each of ids) {
      const { seq } = this.#sent.get(each) ?? {};
      this.#sent.delete(each);
      if (code === 'draining') this.#window.putBack(seq);
      else this.#refuse(seq, new RingcastError(code === 'too_old' ? 'unknown' : code, text, { field }));
    }
    this.#schedule();
    return true;
  }

  #refuse(seq, error) {
    const entry = this.#window.take(seq);
    if (entry) this.#answered(entry.ref, undefined, error);
  }

  // No answer will come any more.
  end(why) {
    this.lose();
    for (const { ref, inDoubt } of this.#window.drain()) {
      const text = inDoubt ? 'it is not known whether it was published' : 'not published';
      this.#answered(ref, undefined, new RingcastError(inDoubt ? 'unknown' : 'not_sent', `${text}: ${why}`));
    }
  }
}
