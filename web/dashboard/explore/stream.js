// Stream: what a topic or filter says, on a connection of its own, so that the pace chosen here holds for nobody else.

import { connect } from './ringcast.js'; // as the broker serves it, beside the bundle
import { Health } from '../link.js';
import { Rate } from '../live/rate.js';
import { Recent } from './recent.js';

export class Stream {
  constructor() {
    this.recent = new Recent();
    this.rate = new Rate();
    this.health = new Health();
    this.filter = undefined;
  }

  // {filter, pace: 'every' | hertz as text, start: 'now' | 'last' | count as text}.
  follow({ filter, pace, start }) {
    this.end();
    this.filter = filter;
    this.error = undefined;
    this.health = new Health();
    const rc = (this.rc = connect({ name: 'dashboard, messages' }));
    const { health } = this;
    rc.addEventListener('state', ({ detail }) => health.take(detail));
    const options = {
      ...(pace === 'every' ? {} : { delivery: 'latest', maxRateHz: Number(pace) }),
      start: /^\d+$/.test(start) ? { last: Number(start) } : start,
    };
    try {
      const subscription = rc.subscribe(filter, options, (message) => this.recent.add({ at: Date.now(), message }));
      this.listen(subscription);
    } catch (error) {
      this.fail(error);
    }
  }

  listen(subscription) {
    const tell = (told) => this.recent.add({ at: Date.now(), told });
    subscription.addEventListener('error', ({ detail }) => this.fail(detail));
    subscription.addEventListener('gap', ({ detail }) =>
      tell(detail.lastEpoch !== detail.epoch ? 'gap: the broker was started anew' : 'gap: something may be missing'));
    subscription.addEventListener('recovered', () => tell('recovered: nothing is missing'));
    subscription.addEventListener('conflated', () => tell('back: newest values, some between are missing'));
    subscription.addEventListener('lag', ({ detail: { merged, skipped, caughtUp } }) =>
      tell(`${caughtUp ? 'caught up' : 'behind'}: ${merged} merged, ${skipped} skipped`));
  }

  fail(error) {
    this.error = error.message;
    this.recent.add({ at: Date.now(), told: `refused: ${error.message}` });
    this.end();
  }

  end() {
    this.rc?.close({ timeoutMs: 0 }).catch(() => {});
    this.rc = undefined;
    this.filter = undefined;
    this.rate.clear();
  }

  get isFollowing() {
    return this.rc !== undefined;
  }
}
