// Backoff: how long to wait before the next try to connect: at random up to a limit that doubles (full jitter), so that
// thousands of pages of a restarted broker do not come back together. Never zero.

export const kReconnect = {
  minMs: 50, // a refused connection fails at once: no spinning
  firstMs: 500, // the first limit: most restarts are over within it
  maxMs: 10_000, // the last limit: what a person still waits for a page to come back
  stableMs: 5_000, // a connection that held so long lets the limit begin anew
};

export class Backoff {
  #limits;
  #limitMs;

  constructor(limits = {}) {
    this.#limits = { ...kReconnect, ...limits };
    this.reset();
  }

  get stableMs() {
    return this.#limits.stableMs;
  }

  // Milliseconds until the next try; `uniform` is a random number from 0 to below 1.
  next(uniform) {
    const { minMs } = this.#limits;
    const delayMs = minMs + uniform * Math.max(0, this.#limitMs - minMs);
    this.grow();
    return delayMs;
  }

  // The broker asks for patience: the next limit is longer.
  grow() {
    this.#limitMs = Math.min(2 * this.#limitMs, this.#limits.maxMs);
  }

  reset() {
    this.#limitMs = this.#limits.firstMs;
  }
}
