import { connect } from '../ringcast.js';

const rc = connect();
const [state, inbox, text, told] = ['#state', '#inbox', '#text', '#told'].map((id) => document.querySelector(id));
rc.addEventListener('state', ({ detail }) => (state.textContent = detail.state));

// 'last' would begin with a last value: there is none, however many events there were.
const notifications = rc.subscribe('examples/notifications', { start: 'last' }, (msg) => {
  const item = document.createElement('li');
  item.textContent = `${msg.time.toLocaleTimeString()}  ${msg.data.text}`;
  inbox.prepend(item);
  setTimeout(() => item.remove(), 15_000);
});

notifications.ready.then(() => (told.textContent = 'Listening. Open a second window, and notify it.'));

document.querySelector('#send').addEventListener('submit', async (event) => {
  event.preventDefault();
  try {
    const { seq } = await rc.event('examples/notifications', { text: text.value });
    told.textContent = `Number ${seq}: handed to everybody who is there.`;
  } catch (error) {
    told.textContent = error.message;
  }
});
