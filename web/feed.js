// Feed: one plain WebSocket to a topic or filter of the broker that served this page, which comes back by itself.

const DELAY_MIN_MS = 250; // never at once: a broker that restarts is met by every page at the same time
const DELAY_FIRST_MAX_MS = 1000;
const DELAY_MAX_MS = 15000;

// The WebSocket URL of a topic or filter, "ticker/#", as the browser needs it.
export function topicUrl(filter, query = '') {
  const path = filter.split('/').map((level) => (level === '+' ? '+' : encodeURIComponent(level))).join('/');
  const base = new URL('topics/', document.baseURI);
  base.protocol = base.protocol === 'https:' ? 'wss:' : 'ws:';
  return base.href + path + (query ? '?' + query : '');
}

// What all feeds have received together; the page's header shows it.
export const totals = { messages: 0, bytes: 0 };

export class Feed {
  // onMessage(text or ArrayBuffer) for each message; onState('connecting' | 'live' | 'waiting', seconds) on each change.
  constructor(filter, { query = '', onMessage, onState = () => {} }) {
    this.url = topicUrl(filter, query);
    this.onMessage = onMessage;
    this.onState = onState;
    this.state = 'connecting';
    this.delayMax = DELAY_FIRST_MAX_MS;
    this.connect();
  }

  connect() {
    this.timer = undefined;
    this.change('connecting');
    const socket = new WebSocket(this.url);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      this.delayMax = DELAY_FIRST_MAX_MS;
      this.change('live');
    };
    socket.onmessage = (event) => {
      totals.messages += 1;
      totals.bytes += typeof event.data === 'string' ? event.data.length : event.data.byteLength;
      this.onMessage(event.data);
    };
    socket.onclose = () => {
      if (this.socket !== socket) return; // closed by us
      const delay = DELAY_MIN_MS + Math.random() * (this.delayMax - DELAY_MIN_MS);
      this.delayMax = Math.min(2 * this.delayMax, DELAY_MAX_MS);
      this.change('waiting', Math.ceil(delay / 1000));
      this.timer = setTimeout(() => this.connect(), delay);
    };
    this.socket = socket;
  }

  // Publishes to the feed's topic. False when there is no connection.
  send(text) {
    if (this.state !== 'live') return false;
    this.socket.send(text);
    return true;
  }

  close() {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = undefined;
    socket.close(1000);
  }

  change(state, seconds = 0) {
    this.state = state;
    this.onState(state, seconds);
  }
}
