// Liveness: notices that a connection is dead though nobody closed it. The broker's pings are answered by the browser and
// not shown to us, so after a silence we ask something, and wait for any word.

export const kLiveness = { silenceMs: 25_000, answerMs: 10_000 };

const kLateMs = 1_000; // a timer that fires so late has slept: its tab was frozen, or the machine

export class Liveness {
  #timers;
  #limits;
  #ask;
  #dead;
  #timer;
  #isAsked = false;
  #dueMs = 0;
  #heardMs = 0;

  // ask(): sends something that is answered. dead(): it was not. `timers`: {now, setTimeout, clearTimeout}.
  constructor(timers, limits, { ask, dead }) {
    this.#timers = timers;
    this.#limits = { ...kLiveness, ...limits };
    this.#ask = ask;
    this.#dead = dead;
  }

  start() {
    this.heard();
    this.#sleep(this.#limits.silenceMs);
  }

  stop() {
    this.#timers.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isAsked = false;
  }

  heard() {
    this.#heardMs = this.#timers.now();
    this.#isAsked = false;
  }

  // Asks now: there is reason to doubt.
  probe() {
    if (this.#timer === undefined || this.#isAsked) return;
    this.#isAsked = true;
    this.#sleep(this.#limits.answerMs);
    this.#ask();
  }

  #sleep(ms) {
    this.#timers.clearTimeout(this.#timer);
    this.#dueMs = this.#timers.now() + ms;
    this.#timer = this.#timers.setTimeout(() => this.#wake(), ms);
  }

  #wake() {
    const now = this.#timers.now();
    const silentMs = now - this.#heardMs;
    // What came while we slept is told after the timer: ask anew rather than believe it.
    if (this.#isAsked && now - this.#dueMs < kLateMs) return this.#dead();
    if (!this.#isAsked && silentMs < this.#limits.silenceMs) return this.#sleep(this.#limits.silenceMs - silentMs);
    this.#isAsked = false;
    return this.probe();
  }
}
