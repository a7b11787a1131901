// Try: publish to any topic and see it come back, with nothing but a WebSocket.

import { Feed } from './feed.js';

const LINES_MAX = 8;

export function connectTry() {
  const form = document.querySelector('#try-form');
  const topic = document.querySelector('#try-topic');
  const message = document.querySelector('#try-message');
  const log = document.querySelector('#try-log');
  let feed;
  let pending;

  const note = (text, kind = '') => {
    const line = document.createElement('li');
    line.className = kind;
    line.textContent = text;
    log.prepend(line);
    while (log.childElementCount > LINES_MAX) log.lastChild.remove();
  };

  const follow = () => {
    const name = topic.value.trim();
    document.querySelector('#snippet').textContent =
      `const socket = new WebSocket('${location.origin.replace(/^http/, 'ws')}/topics/${name}');\n` +
      `socket.onmessage = (event) => console.log(event.data);\n` +
      `// or from a shell:  curl -d '${message.value.replaceAll("'", "'\\''")}' ${location.origin}/topics/${name}`;
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const name = topic.value.trim();
    if (!name) return;
    if (feed?.name === name && feed.send(message.value)) return;
    pending = message.value;
    feed?.close();
    feed = new Feed(name, {
      onMessage: (data) => note(typeof data === 'string' ? data : `${data.byteLength} bytes`),
      onState: (state, seconds) => {
        if (state === 'waiting') note(`no connection to ${name}, trying again in ${seconds} s`, 'muted');
        if (state !== 'live' || pending === undefined) return;
        queueMicrotask(() => {
          feed.send(pending);
          pending = undefined;
        });
      },
    });
    feed.name = name;
  });
  topic.addEventListener('input', follow);
  message.addEventListener('input', follow);
  follow();
}
