// ResumeState: what a subscription remembers of what was told, so that it goes on there on another connection: neither
// leaving anything out unsaid, nor telling it twice.
//
// The broker's token says up to where everything was sent, some time ago. Beyond it:
//   every   live messages come in order of position, per origin: the last one says it (`received`). What the subscription
//           began with, and what comes while it lags, is remembered by topic until the next token.
//   latest  topics come in any order: remembered by topic, always. So is what comes after a change of delivery.

import { TopicMemory } from './topic_memory.js';

const kOriginsMax = 64; // as the broker takes them

// What a message or a checkpoint adds to a point {epoch, token, received: {origin: position}}.
export const point = {
  add(to, { origin = 0, position = 0 }) {
    if (origin in to.received || Object.keys(to.received).length < kOriginsMax) {
      to.received[origin] = Math.max(position, to.received[origin] ?? 0);
    }
  },
  checkpoint(to, { epoch, token }) {
    if (epoch !== to.epoch) to.received = {};
    Object.assign(to, { epoch, token });
  },
  empty: () => ({ epoch: '', token: '', received: {} }),
};

export class ResumeState {
  isLagging = false; // values come in place of messages, and out of order
  #isChanged = false; // on this connection: then too
  #epoch; // of the connection
  #told = new TopicMemory();

  // `start`: the point that the program came with, if it did.
  constructor(delivery, start) {
    this.delivery = delivery;
    this.point = start ? { ...start, received: { ...start.received } } : point.empty();
  }

  get hasToken() {
    return this.point.token !== '';
  }

  // The broker was restarted since the token: nothing can be recovered.
  get isForeign() {
    return this.hasToken && this.point.epoch !== this.#epoch;
  }

  // There is a connection to a broker of this epoch.
  begin(epoch) {
    if (epoch !== this.#epoch) this.#told.clear(); // seqs count anew
    this.#epoch = epoch;
  }

  lose() {
    this.isLagging = this.#isChanged = false;
  }

  change(delivery) {
    this.delivery = delivery;
    this.#isChanged = true;
  }

  dropToken() {
    this.point = point.empty();
  }

  get #inOrder() {
    return this.delivery === 'every' && !this.isLagging && !this.#isChanged;
  }

  // undefined: it was told before. Else it is to be told; true if positions up to it count.
  take(message) {
    const { topic, seq = 0 } = message;
    // A live one, too: where values come in place of messages, one may be owed to another subscription.
    if (this.#told.has(topic, seq)) return undefined;
    const counts = (message.mark ?? 'live') === 'live' && this.#inOrder && this.hasToken && !this.isForeign;
    if (counts) point.add(this.point, message);
    else this.#told.note(topic, seq);
    return counts;
  }

  // `clears`: the token covers all that this subscription was sent.
  checkpoint(event, clears) {
    point.checkpoint(this.point, event);
    if (clears && this.#inOrder) this.#told.clear();
  }
}
