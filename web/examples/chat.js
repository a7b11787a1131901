import { connect } from '../ringcast.js';

const rc = connect();
const [state, name, text, log] = ['#state', '#name', '#text', '#log'].map((id) => document.querySelector(id));
rc.addEventListener('state', ({ detail }) => (state.textContent = detail.state));

const me = `guest-${Math.random().toString(36).slice(2, 6)}`;
name.value = me;
const say = (line) => log.prepend(Object.assign(document.createElement('li'), { textContent: line }));

// Where this tab was before it was loaded anew; else the last 20 that the broker keeps.
const saved = JSON.parse(sessionStorage.getItem('point') ?? 'null');
const chat = rc.subscribe('examples/chat/room', { start: saved ? { resume: saved } : { last: 20 } }, ({ data }) => say(`${data.name}: ${data.text}`));
for (const how of ['recovered', 'gap', 'lag']) chat.addEventListener(how, () => say(`(${how})`));
chat.addEventListener('checkpoint', () => sessionStorage.setItem('point', JSON.stringify(chat.point)));

document.querySelector('#say').addEventListener('submit', (event) => {
  event.preventDefault();
  rc.publish('examples/chat/room', { name: name.value, text: text.value }).catch((error) => say(`(not sent: ${error.message})`));
  text.value = '';
});

const people = new Map(); // topic -> {name, at}
rc.subscribe('examples/chat/here/+', { start: 'last' }, (msg) => {
  if (msg.op === 'remove') people.delete(msg.topic);
  else people.set(msg.topic, { name: msg.data.name, at: msg.timeUs / 1000 });
});
const here = () => rc.publish(`examples/chat/here/${me}`, { name: name.value }).catch(() => {});
here();
setInterval(here, 4000);
addEventListener('pagehide', () => rc.remove(`examples/chat/here/${me}`));
setInterval(() => {
  const there = [...people.values()].filter(({ at }) => Date.now() - at < 15_000); // others vanished without a word
  document.querySelector('#people').textContent = there.map((person) => person.name).sort().join(', ') || 'nobody yet';
}, 500);
