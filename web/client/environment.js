// What an engine takes of the world it runs in.

export const environment = (WebSocket = globalThis.WebSocket) => ({
  WebSocket,
  setTimeout: (then, ms) => setTimeout(then, ms),
  clearTimeout: (timer) => clearTimeout(timer),
  now: () => performance.now(),
  random: Math.random,
});
