// Subscriptions: what is subscribed to on a connection, wanted or confirmed, and whom a message is for. After a lost
// connection each goes on where it was, and is told what came of it.

import { RingcastError } from './error.js';
import { FilterTable, isExact } from './filter_table.js';
import { ResumeState } from './resume_state.js';

const kResumeFields = /^subscribe\.(start|resume_token|received.*|10|11)$/; // by name, or by number

export class Subscriptions {
  #entries = new Map(); // ref -> entry
  #byId = new Map(); // id on this connection -> entry
  #live = new FilterTable();
  #isLagging = false; // the connection: values come in place of messages
  #ask; // while there is a connection
  #epoch = '';
  #lastEpoch = ''; // of the connection before
  #told;
  #message;

  // told(ref, kind, detail); message(ref, message, resumable).
  constructor({ told, message }) {
    this.#told = told;
    this.#message = message;
  }

  // `options` are the members of proto's Subscribe but for id, filter and received; `from`: a point to resume from.
  add(ref, filter, options, from) {
    const delivery = options.delivery ?? 'every';
    const entry = {
      ref, filter, isExact: isExact(filter), options, state: 'wanted', resume: new ResumeState(delivery, from), isOwnPoint: Boolean(from),
      wasLive: false, isResuming: false, tellsGap: false, lastSeq: 0, lastTimeUs: 0, changes: new Set(),
    };
    this.#entries.set(ref, entry);
    if (!this.#ask) return;
    entry.resume.begin(this.#epoch);
    this.#begin(entry);
  }

  remove(ref) {
    const entry = this.#entries.get(ref);
    if (!entry) return;
    this.#end(entry);
    this.#entries.delete(ref);
    for (const done of entry.changes) done(new RingcastError('closed', 'the subscription has ended'));
    entry.changes.clear();
  }

  // It is not to be told anything until it is continued, where it was.
  pause(ref) {
    const entry = this.#entries.get(ref);
    if (!entry || entry.state === 'paused') return;
    this.#end(entry);
    this.#lose(entry);
    entry.state = 'paused';
  }

  proceed(ref) {
    const entry = this.#entries.get(ref);
    if (entry?.state !== 'paused') return;
    entry.state = 'wanted';
    if (!this.#ask) return;
    entry.resume.begin(this.#epoch);
    this.#begin(entry);
  }

  #end(entry) {
    if (entry.id === undefined) return;
    this.#byId.delete(entry.id);
    this.#live.remove(entry.filter, entry);
    this.#ask?.('unsubscribe', { subscription: entry.id });
  }

  // `options`: delivery, max_rate_hz, on_lag, in place of those that it has. done(error): it holds, or why not.
  change(ref, options, done) {
    const entry = this.#entries.get(ref);
    if (!entry) return done(new RingcastError('closed', 'the subscription has ended'));
    const before = entry.options;
    const { delivery, max_rate_hz, on_lag, ...others } = before;
    const after = (entry.options = { ...others, ...options });
    if (entry.id === undefined) {
      entry.resume.delivery = after.delivery ?? 'every'; // it begins so
      return done();
    }
    entry.changes.add(done);
    return this.#ask('change', { subscription: entry.id, ...options }, (name, error) => {
      if (!entry.changes.delete(done)) return;
      if (name === 'changed') entry.resume.change(after.delivery ?? 'every');
      else if (entry.options === after) entry.options = before;
      done(name === 'error' ? new RingcastError(error.code, error.text, { field: error.field }) : undefined);
    });
  }

  // There is a connection. ask(name, members, answered(name, members)).
  begin(ask, epoch) {
    this.#ask = ask;
    if (this.#epoch !== epoch) this.#lastEpoch = this.#epoch;
    this.#epoch = epoch;
    for (const entry of this.#entries.values()) {
      entry.resume.begin(epoch);
      if (entry.state === 'wanted') this.#begin(entry);
    }
  }

  lose() {
    this.#ask = undefined;
    this.#live.clear();
    this.#byId.clear();
    this.#isLagging = false;
    for (const entry of this.#entries.values()) if (entry.state !== 'paused') this.#lose(entry);
  }

  #lose(entry) {
    if (entry.state === 'live') entry.wasLive = true;
    entry.state = 'wanted';
    entry.id = undefined;
    entry.isResuming = false;
    entry.resume.lose();
    entry.resume.delivery = entry.options.delivery ?? 'every';
    for (const done of entry.changes) done(); // it begins so next time
    entry.changes.clear();
  }

  // Where it was, if there is a token that says where, else as its options say.
  #begin(entry) {
    if (entry.wasLive && !entry.resume.hasToken) this.#tellGap(entry);
    entry.isResuming = entry.tellsGap = entry.resume.hasToken;
    if (entry.resume.isForeign) this.#tellGap(entry);
    entry.state = 'requested';
    entry.id = this.#ask('subscribe', this.#request(entry), (name, members) => this.#answered(entry, name, members));
    this.#byId.set(entry.id, entry);
  }

  #request({ filter, options, isResuming, resume }) {
    if (!isResuming) return { filter, ...options };
    const { start, last_count, since_us, ...others } = options;
    const request = { filter, ...others, start: 'resume', resume_token: resume.point.token };
    const received = Object.entries(resume.point.received).map(([origin, position]) => ({ origin: Number(origin), position }));
    return resume.delivery === 'every' && received.length > 0 ? { ...request, received } : request;
  }

  #answered(entry, name, members) {
    if (entry.state !== 'requested' || this.#byId.get(entry.id) !== entry) return;
    if (name === 'error') return this.#refused(entry, members);
    entry.state = 'live';
    entry.wasLive = false; // told by now, however often the connection broke before this
    entry.resume.isLagging = this.#isLagging;
    this.#live.add(entry.filter, entry);
    this.#tell(entry, 'subscribed', { epoch: this.#epoch });
    if (this.#isLagging && entry.resume.delivery === 'every') this.#tell(entry, 'lag', lagOf({}));
  }

  #refused(entry, { code, text, field }) {
    this.#byId.delete(entry.id);
    entry.id = undefined;
    // A token that the program brought is its mistake; one that we kept is not.
    if (entry.isResuming && !entry.isOwnPoint && kResumeFields.test(field)) {
      entry.resume.dropToken();
      entry.wasLive = true;
      return this.#begin(entry);
    }
    this.#entries.delete(entry.ref);
    return this.#tell(entry, 'refused', RingcastError.plain({ code, message: text, field }));
  }

  #tell(entry, kind, detail = {}) {
    this.#told(entry.ref, kind, detail);
  }

  #tellGap(entry) {
    entry.tellsGap = false;
    const lastEpoch = entry.isResuming ? entry.resume.point.epoch : this.#lastEpoch || this.#epoch;
    this.#tell(entry, 'gap', { epoch: this.#epoch, lastEpoch, lastSeq: entry.lastSeq, lastTimeUs: entry.lastTimeUs });
  }

  snapshotEnd({ subscription = 0, resumed }) {
    const entry = this.#byId.get(subscription);
    if (!entry) return;
    if (entry.isResuming) {
      entry.isResuming = entry.wasLive = false;
      // A broker that says nothing of it has not recovered anything.
      if (resumed === 'recovered' || resumed === 'conflated') this.#tell(entry, resumed);
      else if (entry.tellsGap) this.#tellGap(entry);
    } else if (resumed === 'gap') {
      this.#tellGap(entry);
    }
    this.#tell(entry, 'begun');
  }

  message(message) {
    const isLive = (message.mark ?? 'live') === 'live';
    const entries = isLive ? this.#live.match(message.topic) : [this.#byId.get(message.subscription ?? 0)];
    for (const entry of entries) if (entry?.state === 'live') this.#deliver(entry, message);
  }

  #deliver(entry, message) {
    const resumable = entry.resume.take(message);
    if (resumable === undefined) return;
    if (entry.isExact) entry.lastSeq = message.seq ?? 0;
    entry.lastTimeUs = message.time_us ?? 0;
    this.#message(entry.ref, message, resumable);
  }

  // It is the connection's: a live message comes once, for all that match.
  lag(lag) {
    this.#isLagging = !lag.caught_up;
    for (const entry of this.#byId.values()) {
      if (entry.state !== 'live' || entry.resume.delivery !== 'every') continue;
      entry.resume.isLagging = this.#isLagging;
      this.#tell(entry, 'lag', lagOf(lag));
    }
  }

  checkpoint({ subscriptions = [], epoch, token }) {
    const all = [...this.#byId.values()].filter(({ state }) => state === 'live');
    // Owed values hold the token of the whole connection back: then it need not cover what the others were told.
    const clears = all.every(({ resume }) => resume.delivery === 'every');
    for (const entry of all) {
      if (subscriptions.length > 0 && !subscriptions.includes(entry.id)) continue;
      entry.resume.checkpoint({ epoch, token }, clears);
      entry.isOwnPoint = false;
      this.#tell(entry, 'checkpoint', { epoch, token });
    }
  }
}

function lagOf({ merged = 0, skipped = 0, caught_up = false, ranges = [], more_ranges = false }) {
  return {
    merged, skipped, caughtUp: caught_up, moreRanges: more_ranges,
    ranges: ranges.map(({ topic, first_seq, last_seq }) => ({ topic, firstSeq: first_seq, lastSeq: last_seq })),
  };
}
