// A broadcast server on uWebSockets.js: its own topics, published to by its C++ in one call.
//
//   node perf/peers/uws.cjs PORT MODULE
//
// MODULE is where uWebSockets.js is. Speaks what perf/peers/ws.mjs speaks.

const [, , port, module_path] = process.argv;
const uws = require(module_path);

const app = uws.App();
app.ws('/*', {
  compression: uws.DISABLED,
  maxPayloadLength: 1024 * 1024,
  maxBackpressure: 64 * 1024 * 1024, // nothing is to be left out
  idleTimeout: 0,
  upgrade: (response, request, context) => {
    const header = (name) => request.getHeader(`sec-websocket-${name}`);
    const data = { path: request.getUrl(), publishes: (request.getQuery() ?? '').includes('mode=pub') };
    response.upgrade(data, header('key'), header('protocol'), header('extensions'), context);
  },
  open: (socket) => {
    if (!socket.publishes) socket.subscribe(socket.path);
  },
  message: (socket, message, binary) => {
    if (socket.publishes) app.publish(socket.path, message, binary);
  },
}).listen('127.0.0.1', Number(port), (listener) => {
  if (!listener) process.exit(1);
});
