import { connect } from '../ringcast.js';

const rc = connect();
rc.addEventListener('state', ({ detail }) => (state.textContent = detail.state));

const state = document.querySelector('#state');
const gauges = new Map(); // topic -> {meter, note, at}

// What of a reading is between 0 and 1.
function shareOf(reading) {
  if (reading.load !== undefined) return reading.load;
  if (reading.total) return 1 - reading.available / reading.total;
  return reading.some_avg10 === undefined ? undefined : reading.some_avg10 / 100;
}

function gaugeOf(topic) {
  if (gauges.has(topic)) return gauges.get(topic);
  const item = document.createElement('li');
  const name = Object.assign(document.createElement('b'), { textContent: topic.slice('iot/'.length) });
  const meter = Object.assign(document.createElement('meter'), { min: 0, max: 1, high: 0.9, ariaLabel: topic });
  const note = document.createElement('small');
  item.append(name, meter, note);
  document.querySelector('#gauges').append(item);
  gauges.set(topic, { meter, note });
  return gauges.get(topic);
}

rc.subscribe('iot/+/#', { delivery: 'latest', start: 'last' }, (msg) => {
  const share = shareOf(JSON.parse(msg.data));
  if (share === undefined) return;
  Object.assign(gaugeOf(msg.topic), { at: msg.timeUs / 1000 }).meter.value = share;
});

setInterval(() => {
  for (const { meter, note, at } of gauges.values()) {
    note.textContent = `${Math.round(meter.value * 100)} %, ${Math.max(0, (Date.now() - at) / 1000).toFixed(1)} s ago`;
  }
}, 250);
