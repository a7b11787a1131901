// TopicMemory: the last seq of each topic that was told, so that it is not told again.
//
// Bounded: two generations of topics, of which the older is forgotten when the younger is full. What was forgotten may be
// told twice.

export const kTopicsMax = 100_000; // of each generation: some 10 MiB

export class TopicMemory {
  #young = new Map();
  #old = new Map();

  constructor(topicsMax = kTopicsMax) {
    this.topicsMax = topicsMax;
  }

  // True if `seq` of the topic, or a later one, was noted.
  has(topic, seq) {
    return seq <= (this.#young.get(topic) ?? this.#old.get(topic) ?? -1);
  }

  note(topic, seq) {
    if (this.has(topic, seq)) return;
    if (this.#young.size >= this.topicsMax && !this.#young.has(topic)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(topic, seq);
  }

  clear() {
    this.#young.clear();
    this.#old.clear();
  }
}
