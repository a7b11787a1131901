import { connect } from '../ringcast.js';

const rc = connect();
rc.addEventListener('state', ({ detail }) => (state.textContent = detail.state));

const state = document.querySelector('#state');
const list = document.querySelector('#prices');
const items = new Map(); // topic -> its line
let received = 0;

const prices = rc.subscribe('ticker/nasdaq/+', { delivery: 'latest', maxRateHz: 2, start: 'last' }, (msg) => {
  received += 1;
  const tick = JSON.parse(msg.data); // the demo publishes text
  if (!items.has(msg.topic)) items.set(msg.topic, list.appendChild(document.createElement('li')));
  const item = items.get(msg.topic);
  item.textContent = `${tick.symbol} ${tick.price.toFixed(2)}`;
  item.className = tick.price < tick.open ? 'down' : 'up';
});

document.querySelector('#rate').addEventListener('input', ({ target }) => {
  document.querySelector('#hertz').textContent = target.value;
  prices.change({ maxRateHz: Number(target.value) }).catch(() => {}); // lost: asked for again with the connection
});

setInterval(() => {
  document.querySelector('#received').textContent = received;
  received = 0;
}, 1000);
