// The options of a subscription as programs write them, and as the protocol has them.

import { RingcastError } from './error.js';

const kKnown = ['start', 'delivery', 'maxRateHz', 'onLag', 'echo', 'hiddenRateHz', 'buffer'];

export function usage(message) {
  throw new RingcastError('usage', message);
}

// Nothing unknown is ignored: a misspelt option would be one that does not work.
export function checkNames(options, known) {
  for (const name of Object.keys(options)) if (!known.includes(name)) usage(`there is no option ${name}`);
}

// {delivery, maxRateHz, onLag}, complete. A rate without a delivery means 'latest'.
export function deliveryOf({ delivery, maxRateHz = 0, onLag = 'degrade' }) {
  const wanted = { delivery: delivery ?? (maxRateHz > 0 ? 'latest' : 'every'), maxRateHz, onLag };
  if (!['every', 'latest'].includes(wanted.delivery)) usage(`delivery is 'every' or 'latest', not ${delivery}`);
  if (!['degrade', 'skip', 'close'].includes(onLag)) usage(`onLag is 'degrade', 'skip' or 'close', not ${onLag}`);
  if (typeof maxRateHz !== 'number' || (maxRateHz !== 0 && !(maxRateHz >= 0.001 && maxRateHz <= 1000))) {
    usage(`maxRateHz is a number from 0.001 to 1000, or 0, not ${maxRateHz}`);
  }
  if (maxRateHz > 0 && wanted.delivery === 'every') usage("maxRateHz goes with delivery 'latest'");
  return wanted;
}

// The members of proto's Change; what is the default is not said. `mostHz`: not faster, where there are rates.
export function changeOf({ delivery, maxRateHz, onLag }, mostHz = Infinity) {
  if (delivery === 'every') return onLag === 'degrade' ? {} : { on_lag: onLag };
  const rate = Math.min(maxRateHz || Infinity, mostHz);
  return { delivery, ...(Number.isFinite(rate) && { max_rate_hz: rate }) };
}

// {options: members of proto's Subscribe, from: a point}.
function startOf(start) {
  if (start === 'now') return { options: {} };
  if (start === 'last') return { options: { start: 'last_values' } };
  if (Number.isInteger(start?.last)) return { options: { start: 'last_n', last_count: start.last } };
  if (start?.since !== undefined) return { options: { start: 'since_time', since_us: Math.max(1, Math.floor(Number(start.since) * 1000)) } };
  if (typeof start?.resume?.token === 'string') return { options: {}, from: start.resume.token ? start.resume : undefined };
  return usage("start is 'now', 'last', {last: count}, {since: date} or {resume: point}");
}

export function subscribeOf(given) {
  checkNames(given, kKnown);
  const { options, from } = startOf(given.start ?? 'now');
  return { options: { ...options, ...(given.echo === false && { echo: false }) }, from, wanted: deliveryOf(given) };
}
