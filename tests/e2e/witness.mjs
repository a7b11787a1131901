// Witness: a publisher and a subscriber that nobody attacks. While others misbehave, every message between the two must
// arrive, once and in order.

import assert from 'node:assert/strict';
import { Broker } from './broker.mjs';
import { Client, closeAll } from './client.mjs';

const kEveryMs = 5;

export class Witness {
  #sent = 0;
  #heard = 0;
  #wrong = [];

  static async start(broker, topic = 'witness/topic') {
    const witness = new Witness();
    witness.listener = await Client.open(broker.topic(topic), { onMessage: (message) => witness.#hear(message) });
    witness.publisher = await Client.open(broker.topic(topic, 'mode=pub'));
    witness.timer = setInterval(() => witness.#publish(), kEveryMs).unref();
    return witness;
  }

  #publish() {
    this.#sent += 1;
    this.publisher.send(`${this.#sent}`);
  }

  #hear(message) {
    this.#heard += 1;
    if (message !== `${this.#heard}`) this.#wrong.push(`${message} where ${this.#heard} was due`);
  }

  // All that was published so far has been heard; nothing was wrong.
  async check() {
    this.#publish();
    const due = this.#sent;
    await this.listener.until(() => this.#heard >= due, () => `message ${due} of the witness; it heard ${this.#heard}`);
    assert.deepEqual(this.#wrong, []);
    assert.equal(this.publisher.closed, undefined);
  }

  async stop() {
    await this.check();
    clearInterval(this.timer);
    await Promise.all([this.listener.close(1000), this.publisher.close(1000)]);
  }
}

// A broker that is to be attacked, its witness, and what it uses before that.
export async function startWitnessed(options) {
  const broker = await Broker.start(options);
  const witness = await Witness.start(broker);
  return { broker, witness, usage: broker.usage() };
}

// Afterwards it uses no more than that, and the witness has noticed nothing.
export async function stopWitnessed({ broker, witness, usage }) {
  await broker.recovered(usage);
  await witness.stop();
  await closeAll();
  await broker.stop();
}
