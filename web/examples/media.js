import { connect } from '../ringcast.js';

const TOPIC = 'examples/media/clock';
const rc = connect({ protocol: 'proto' }); // bytes as bytes: JSON would carry them in base64
const [state, send, picture, figures] = ['#state', '#send', '#picture', '#figures'].map((id) => document.querySelector(id));
rc.addEventListener('state', ({ detail }) => (state.textContent = detail.state));

const screen = picture.getContext('2d');
let pictures = 0;
rc.subscribe(TOPIC, { delivery: 'latest', start: 'last' }, async (msg) => {
  const bitmap = await createImageBitmap(new Blob([msg.data], { type: msg.contentType }));
  screen.drawImage(bitmap, 0, 0);
  pictures += 1;
  figures.textContent = `${pictures} pictures, this one ${(msg.data.length / 1024).toFixed(1)} KiB, ${Math.max(0, Date.now() - msg.timeUs / 1000).toFixed(0)} ms old`;
});

// A camera would do as well: getUserMedia() where the page came by https.
const camera = Object.assign(document.createElement('canvas'), { width: 480, height: 270 });
const scene = camera.getContext('2d');
function shoot() {
  const now = new Date();
  scene.fillStyle = `hsl(${(now / 50) % 360} 45% 30%)`;
  scene.fillRect(0, 0, 480, 270);
  scene.fillStyle = 'white';
  scene.font = '56px monospace';
  scene.fillText(now.toISOString().slice(11, 22), 60, 150);
  scene.fillRect(0, 250, (now % 1000) * 0.48, 20);
  camera.toBlob(async (blob) => {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    rc.publish(TOPIC, bytes, { contentType: 'image/jpeg' }).catch((error) => (figures.textContent = error.message));
  }, 'image/jpeg', 0.7);
}

let timer;
send.addEventListener('click', () => {
  timer = timer ? clearInterval(timer) : setInterval(shoot, 100);
  send.setAttribute('aria-pressed', `${timer !== undefined}`);
});
