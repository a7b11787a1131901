// What was published and what each subscriber heard while the broker was replaced: is anything wrong with it?
//
// Messages are numbered from 1 in each topic by their one publisher. A *life* is what a subscriber cannot see beyond: an epoch of
// the broker, or one connection of a raw subscriber. In each life the numbers of a topic go up by 1.

// The numbers of each topic that came in this life, in the order of their coming.
function numbersByTopic(heard, life) {
  const topics = new Map();
  for (const one of heard.filter((each) => each.life === life)) {
    if (!topics.has(one.topic)) topics.set(one.topic, []);
    topics.get(one.topic).push(one.number);
  }
  return topics;
}

// Numbers that are not the one after the one before.
function outOfStep(numbers) {
  return numbers.filter((number, i) => i > 0 && number !== numbers[i - 1] + 1);
}

// What was acknowledged in this epoch, from the first on that was heard, and yet never came.
function missing(acked, epoch, topic, numbers) {
  const came = new Set(numbers);
  return acked.filter((one) => one.epoch === epoch && one.topic === topic && one.number >= numbers[0] && !came.has(one.number));
}

// acked: {topic, number, epoch, maybeTwice}; subscriber: {name, heard: [{topic, number, life}], lives: [{life, epoch, told}],
// closes: [code]}. `told` of a life: its subscriber knows that something may lie between it and the one before.
function faultsOf(subscriber, acked, twice) {
  const { name, heard, lives, closes } = subscriber;
  const found = [];
  const cut = closes.filter((code) => code !== 1012);
  if (cut.length > 0) found.push(`${name}: closed with ${cut}`);
  if (lives.length < 2) found.push(`${name}: did not come back`);
  for (const { life, told } of lives.slice(1)) if (!told) found.push(`${name}: was not told of the gap before ${life}`);
  for (const { life, epoch } of lives) {
    for (const [topic, numbers] of numbersByTopic(heard, life)) {
      const wrong = outOfStep(numbers);
      if (wrong.length > 0) found.push(`${name}: ${topic} in ${life}: ${wrong.slice(0, 5)} not in its place`);
      const lost = missing(acked, epoch, topic, numbers).map((one) => one.number);
      if (lost.length > 0) found.push(`${name}: ${topic} in ${life}: ${lost.length} acknowledged and not heard, from ${lost[0]}`);
    }
  }
  const seen = new Set();
  for (const { topic, number } of heard) {
    const key = `${topic} ${number}`;
    if (seen.has(key) && !twice.has(key)) found.push(`${name}: ${key} came twice`);
    seen.add(key);
  }
  return found;
}

// Every fault, each a sentence. None: each message was heard or told of, and nobody was cut off.
export function faults(subscribers, acked) {
  const twice = new Set(acked.filter((one) => one.maybeTwice).map((one) => `${one.topic} ${one.number}`));
  return subscribers.flatMap((subscriber) => faultsOf(subscriber, acked, twice));
}
