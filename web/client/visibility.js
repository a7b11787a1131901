// Visibility: tells a client when its page is hidden or shown, and when the network comes or goes.

// stop() of what it gives back takes the listeners away.
export function watch(client, { document = globalThis.document, window = globalThis } = {}) {
  const controller = new AbortController();
  const { signal } = controller;
  const look = () => client.hide(document.visibilityState === 'hidden');
  if (document?.addEventListener) {
    document.addEventListener('visibilitychange', look, { signal });
    if (document.visibilityState === 'hidden') look();
  }
  for (const type of ['online', 'offline']) window.addEventListener?.(type, () => client.hurry(), { signal });
  client.addEventListener('state', ({ detail }) => detail.state === 'closed' && controller.abort());
  return { stop: () => controller.abort() };
}
