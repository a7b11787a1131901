// Machine: load, memory, network and pressure of every host that publishes to iot/<host>/…

import { Series, drawLines } from './chart.js';

const POINTS = 120; // two minutes at a sample a second

const number = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

// 1536 as "1.5 KiB".
export function bytesText(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let at = 0;
  for (; bytes >= 1024 && at < units.length - 1; at += 1) bytes /= 1024;
  return `${number.format(bytes)} ${units[at]}`;
}

const percent = (share) => `${Math.round(share * 100)} %`;

export class Machines {
  constructor() {
    this.hosts = new Map();
    this.box = document.querySelector('#machines');
  }

  // One message: JSON of the form that `ringcast demo` publishes.
  take(text) {
    let reading;
    try {
      reading = JSON.parse(text);
    } catch {
      return undefined;
    }
    if (typeof reading?.host !== 'string' || typeof reading.sensor !== 'string') return undefined;
    let host = this.hosts.get(reading.host);
    if (!host) {
      host = new Host(reading.host, this.box);
      this.hosts.set(reading.host, host);
      document.querySelector('#machine-empty').hidden = true;
    }
    host.take(reading);
    return reading;
  }

  // Called once per animation frame.
  render() {
    for (const host of this.hosts.values()) host.render();
  }
}

class Host {
  constructor(name, box) {
    this.cpus = new Map(); // number to load, 0 to 1
    this.load = new Series(POINTS);
    this.networks = new Map();
    this.received = new Series(POINTS);
    this.sent = new Series(POINTS);
    this.pressure = new Map();
    this.second = 0;
    this.changed = false;
    const part = document.createElement('div');
    part.className = 'host';
    const title = document.createElement('h3');
    title.textContent = name;
    const cards = document.createElement('div');
    cards.className = 'cards';
    part.append(title, cards);
    box.append(part);
    this.cpu = new Card(cards, 'CPU');
    this.memory = new Card(cards, 'Memory');
    this.network = new Card(cards, 'Network');
    this.wait = new Card(cards, 'Pressure', 'share of the last 10 s that some task waited');
  }

  take(reading) {
    this.changed = true;
    const [kind, which] = reading.sensor.split('/');
    if (kind === 'cpu') this.cpus.set(Number(which), reading.load);
    else if (kind === 'memory') this.memoryReading = reading;
    else if (kind === 'network') this.networks.set(which, reading);
    else if (kind === 'pressure') this.pressure.set(which, reading.some_avg10);
    else if (kind === 'load') this.loadReading = reading;
    const second = Math.floor(reading.time_ms / 1000);
    if (second !== this.second) this.close(second);
  }

  // The samples of a second are complete when the next one begins.
  close(second) {
    this.second = second;
    if (this.cpus.size > 0) this.load.push(this.meanLoad());
    if (this.networks.size === 0) return;
    this.received.push(this.sum('received_bytes_per_second'));
    this.sent.push(this.sum('sent_bytes_per_second'));
  }

  meanLoad() { return [...this.cpus.values()].reduce((sum, load) => sum + load, 0) / this.cpus.size; }
  sum(member) { return [...this.networks.values()].reduce((sum, network) => sum + network[member], 0); }

  render() {
    if (!this.changed) return;
    this.changed = false;
    if (this.cpus.size > 0) this.renderCpu();
    if (this.memoryReading) this.renderMemory();
    if (this.networks.size > 0) {
      this.network.say(`↓ ${bytesText(this.received.last ?? 0)}/s`, `↑ ${bytesText(this.sent.last ?? 0)}/s`);
      this.network.draw([{ series: this.received, color: '--accent', fill: true }, { series: this.sent, color: '--second' }],
        { min: 0 });
    }
    if (this.pressure.size > 0) {
      this.wait.say(`${number.format(Math.max(...this.pressure.values()))} %`, 'at most');
      this.wait.bars([...this.pressure].sort().map(([name, share]) => [name, share / 100]));
    }
    this.memory.show(this.memoryReading !== undefined);
    this.network.show(this.networks.size > 0);
    this.wait.show(this.pressure.size > 0);
  }

  renderCpu() {
    const load = this.loadReading;
    this.cpu.say(percent(this.meanLoad()), load ? `load ${load.one.toFixed(2)} · ${load.five.toFixed(2)} · ${load.fifteen.toFixed(2)}` : '');
    this.cpu.draw([{ series: this.load, color: '--accent', fill: true }], { min: 0, max: 1 });
    this.cpu.bars([...this.cpus].sort((a, b) => a[0] - b[0]).map(([cpu, share]) => [`cpu ${cpu}`, share]));
  }

  renderMemory() {
    const { total, available, cached, swap_total: swapTotal, swap_free: swapFree } = this.memoryReading;
    this.memory.say(percent(1 - available / total), `${bytesText(total - available)} of ${bytesText(total)}`);
    const bars = [['used', (total - available) / total], ['cached', cached / total]];
    if (swapTotal > 0) bars.push(['swap', (swapTotal - swapFree) / swapTotal]);
    this.memory.bars(bars);
  }
}

class Card {
  constructor(box, title, hint = '') {
    this.element = document.createElement('article');
    this.element.className = 'card';
    const heading = document.createElement('h4');
    heading.textContent = title;
    if (hint) heading.title = hint;
    this.value = document.createElement('b');
    this.detail = document.createElement('span');
    this.detail.className = 'muted';
    const line = document.createElement('p');
    line.className = 'value';
    line.append(this.value, this.detail);
    this.element.append(heading, line);
    this.meters = new Map();
    box.append(this.element);
  }

  show(visible) { this.element.hidden = !visible; }

  say(value, detail) {
    this.value.textContent = value;
    this.detail.textContent = detail;
  }

  draw(lines, scale) {
    if (!this.canvas) {
      this.canvas = document.createElement('canvas');
      this.element.append(this.canvas);
    }
    drawLines(this.canvas, lines, scale);
  }

  // Shares from 0 to 1, each with a name.
  bars(shares) {
    for (const [name, share] of shares) {
      let meter = this.meters.get(name);
      if (!meter) {
        const label = document.createElement('label');
        meter = document.createElement('meter');
        Object.assign(meter, { min: 0, max: 1, high: 0.9, optimum: 0 });
        label.append(name, meter);
        this.element.append(label);
        this.meters.set(name, meter);
      }
      meter.value = share;
      meter.title = percent(share);
    }
  }
}
