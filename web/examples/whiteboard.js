import { connect } from '../ringcast.js';

const rc = connect();
const [state, board, color] = ['#state', '#board', '#color'].map((id) => document.querySelector(id));
rc.addEventListener('state', ({ detail }) => (state.textContent = detail.state));
color.value = `#${Math.floor(Math.random() * 0x8fffff + 0x100000).toString(16)}`;

const context = board.getContext('2d');
context.lineWidth = 3;
context.lineCap = 'round';
function draw({ from, to, ink }) {
  if (!from) return context.clearRect(0, 0, board.width, board.height);
  context.strokeStyle = ink;
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
  board.dataset.strokes = Number(board.dataset.strokes ?? 0) + 1;
}

rc.subscribe('examples/whiteboard', { start: { last: 5000 }, echo: false }, (msg) => draw(msg.data));

function share(stroke) {
  draw(stroke);
  rc.publish('examples/whiteboard', stroke).catch((error) => (state.textContent = error.message));
}

let last; // while a pointer is down
const where = (event) => [event.offsetX * board.width / board.clientWidth, event.offsetY * board.height / board.clientHeight].map(Math.round);
board.addEventListener('pointerdown', (event) => (last = where(event)));
addEventListener('pointerup', () => (last = undefined));
board.addEventListener('pointermove', (event) => {
  if (!last) return;
  const here = where(event);
  share({ from: last, to: here, ink: color.value });
  last = here;
});
document.querySelector('#clear').addEventListener('click', () => share({}));
