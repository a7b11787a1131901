// An engine that is still on its way: what it is told is passed on, in order, once it is there.

const kCommands = ['start', 'publish', 'subscribe', 'change', 'unsubscribe', 'hurry', 'close'];

// `coming`: a promise of the engine, which does not fail.
export function deferredEngine(coming) {
  let engine;
  const early = [];
  coming.then((there) => {
    engine = there;
    for (const [name, args] of early) engine[name](...args);
  });
  const command = (name) => (...args) => (engine ? engine[name](...args) : early.push([name, args]));
  return Object.fromEntries(kCommands.map((name) => [name, command(name)]));
}
