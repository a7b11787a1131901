// Source: what the broker says of itself, once a second: from the topic that it publishes it to, or from the operators' port.

import { health, isOperators, rc } from '../link.js';

const TOPIC = '$broker/stats';
const URL_OF_STATS = '../api/v1/stats'; // from where the operators' port serves this page
const EVERY_MS = 1000;
const VERSION = 1;

// take(stats) for each; refused(why) where this page may not have them.
export function followStats({ take, refused }) {
  const look = (stats) => {
    if (stats?.version === VERSION) take(stats);
    else refused(`these figures are of version ${stats?.version}, which this page does not know`);
  };
  if (isOperators) {
    poll(look);
    return;
  }
  const subscription = rc.subscribe(TOPIC, { start: 'last', delivery: 'latest' }, ({ data }) => look(data));
  subscription.addEventListener('error', ({ detail }) => refused(detail.message));
}

async function poll(look) {
  try {
    const answer = await fetch(URL_OF_STATS, { cache: 'no-store' });
    if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
    const stats = await answer.json();
    if (health.state !== 'connected') health.take({ state: 'connected', server: `ringcast/${stats.broker_version}` });
    look(stats);
  } catch (error) {
    health.take({ state: 'waiting', retryInMs: EVERY_MS, error });
  }
  setTimeout(() => poll(look), EVERY_MS);
}
