// Source: what the broker says of itself, once a second, from the topic that it publishes it to.

import { rc } from '../link.js';

const TOPIC = '$broker/stats';

// take(stats) for each; refused(why) where this page may not have them. Gives back what ends it.
export function followStats({ take, refused }) {
  const subscription = rc.subscribe(TOPIC, { start: 'last', delivery: 'latest' }, ({ data }) => {
    if (data?.version === 1) take(data);
    else refused(`these figures are of version ${data?.version}, which this page does not know`);
  });
  subscription.addEventListener('error', ({ detail }) => refused(detail.message));
  return () => subscription.unsubscribe();
}
