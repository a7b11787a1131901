import { connect } from '../ringcast.js';

const rc = connect();
const [state, field, coins] = ['#state', '#field', '#coins'].map((id) => document.querySelector(id));
rc.addEventListener('state', ({ detail }) => (state.textContent = detail.state));

const me = `examples/game/players/${Math.random().toString(36).slice(2, 8)}`;
const somewhere = () => [Math.random() * 600 + 20, Math.random() * 360 + 20];
const mine = { at: somewhere(), ink: `hsl(${Math.floor(Math.random() * 360)} 70% 45%)`, coins: 0 };
const players = new Map([[me, mine]]);
let coin = [320, 200];

rc.subscribe('examples/game/players/+', { delivery: 'latest', maxRateHz: 30, start: 'last', echo: false }, (msg) => {
  if (msg.op === 'remove') players.delete(msg.topic);
  else players.set(msg.topic, { ...msg.data, seenAt: Date.now() });
});
rc.subscribe('examples/game/coin', { start: 'last' }, (msg) => (coin = msg.data));

function move(x, y) {
  mine.at = [Math.max(10, Math.min(630, x)), Math.max(10, Math.min(390, y))];
  if (Math.hypot(mine.at[0] - coin[0], mine.at[1] - coin[1]) < 20) {
    coins.textContent = mine.coins += 1;
    rc.publish('examples/game/coin', (coin = somewhere())).catch(() => {});
  }
}
const steps = { ArrowLeft: [-12, 0], ArrowRight: [12, 0], ArrowUp: [0, -12], ArrowDown: [0, 12] };
addEventListener('keydown', ({ key }) => steps[key] && move(mine.at[0] + steps[key][0], mine.at[1] + steps[key][1]));
field.addEventListener('pointermove', (event) => move(event.offsetX * 640 / field.clientWidth, event.offsetY * 400 / field.clientHeight));
setInterval(() => rc.publish(me, mine).catch(() => {}), 1000 / 30);
addEventListener('pagehide', () => rc.remove(me));

const context = field.getContext('2d');
function circle([x, y], radius, ink) {
  context.fillStyle = ink;
  context.fill(new Path2D(`M${x - radius} ${y}a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0`));
}
setInterval(() => {
  for (const [name, { seenAt }] of players) if (Date.now() - seenAt > 5000) players.delete(name);
  document.querySelector('#players').textContent = players.size;
  context.clearRect(0, 0, 640, 400);
  circle(coin, 9, 'gold');
  for (const { at, ink } of players.values()) circle(at, 11, ink);
}, 1000 / 30);
