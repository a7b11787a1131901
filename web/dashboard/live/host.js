// Host: a machine's telemetry, as its panel shows it: CPU, memory, network and pressure, each with a chart.

import { Series } from '../series.js';
import { bytes, count, facts, make, percent, seconds, write } from '../text.js';
import { TimeChart } from '../time_chart.js';

const POINTS = 300; // five minutes at a sample a second
const STALE_MS = 5000;

const share = (value) => percent(value);
const perSecond = (value) => `${bytes(value)}/s`;

export class Host {
  constructor(name, box) {
    this.cpus = new Map(); // number to load, 0 to 1
    this.networks = new Map();
    this.pressure = new Map();
    this.second = 0;
    this.at = 0;
    this.element = make('section', 'host');
    const heading = make('div', 'heading');
    this.last = make('span', 'state');
    heading.append(make('h2', '', name), this.last);
    this.cards = make('div', 'charts');
    this.element.append(heading, this.cards);
    box.append(this.element);
    this.load = new Card(this.cards, 'CPU', { lines: [{ label: 'all', color: '--accent', fill: true }], format: share, min: 0, max: 1 });
    this.memory = new Card(this.cards, 'Memory', { lines: [{ label: 'used', color: '--second', fill: true }], format: share, min: 0, max: 1 });
    this.network = new Card(this.cards, 'Network', {
      lines: [{ label: 'in', color: '--accent', fill: true }, { label: 'out', color: '--second' }], format: perSecond, min: 0, atLeast: 1024, size: 66, isBytes: true,
    });
    this.wait = new Card(this.cards, 'Pressure', {
      lines: [{ label: 'cpu', color: '--accent' }, { label: 'memory', color: '--second' }, { label: 'io', color: '--warn' }], format: share, min: 0, atLeast: 0.1,
    });
  }

  // One reading of the form that `ringcast demo` publishes.
  take(reading, now) {
    this.at = now;
    this.isChanged = true;
    const [kind, which] = reading.sensor.split('/');
    if (kind === 'cpu') this.cpus.set(Number(which), reading.load);
    else if (kind === 'memory') this.memoryReading = reading;
    else if (kind === 'network') this.networks.set(which, reading);
    else if (kind === 'pressure') this.pressure.set(which, reading.some_avg10 / 100);
    else if (kind === 'load') this.loadReading = reading;
    const second = Math.floor(reading.time_ms / 1000);
    if (second > this.second && this.second > 0) this.close();
    this.second = Math.max(second, this.second);
  }

  // The samples of a second are complete when the next one begins.
  close() {
    if (this.cpus.size > 0) this.load.push(this.second, this.meanLoad());
    if (this.memoryReading) this.memory.push(this.second, this.used());
    if (this.networks.size > 0) this.network.push(this.second, this.sum('received_bytes_per_second'), this.sum('sent_bytes_per_second'));
    if (this.pressure.size > 0) this.wait.push(this.second, ...['cpu', 'memory', 'io'].map((name) => this.pressure.get(name) ?? null));
  }

  meanLoad() { return [...this.cpus.values()].reduce((sum, load) => sum + load, 0) / this.cpus.size; }
  sum(member) { return [...this.networks.values()].reduce((sum, network) => sum + network[member], 0); }
  // The interfaces over which anything goes, most first.
  busiest() {
    const traffic = ([, reading]) => reading.received_bytes_per_second + reading.sent_bytes_per_second;
    return [...this.networks].filter((network) => traffic(network) > 0).sort((a, b) => traffic(b) - traffic(a)).slice(0, 2);
  }

  used() { return 1 - this.memoryReading.available / this.memoryReading.total; }

  draw(now) {
    const age = now - this.at;
    write(this.last, `last update ${seconds(age)} ago`);
    this.last.dataset.state = age > STALE_MS ? 'stale' : 'connected';
    if (!this.isChanged) return;
    this.isChanged = false;
    if (this.cpus.size > 0) this.drawCpu();
    if (this.memoryReading) this.drawMemory();
    if (this.networks.size > 0) {
      this.network.show(`↓ ${perSecond(this.sum('received_bytes_per_second'))}`, `↑ ${perSecond(this.sum('sent_bytes_per_second'))}`);
      this.network.list(this.busiest().map(([name, reading]) => [name, `↓ ${bytes(reading.received_bytes_per_second)} ↑ ${bytes(reading.sent_bytes_per_second)}`]));
    }
    if (this.pressure.size > 0) {
      this.wait.show(percent(Math.max(...this.pressure.values())), 'of 10 s some task waited');
      this.wait.list([...this.pressure].sort().map(([name, value]) => [name, `${count(value * 100)} %`]));
    }
    this.load.hide(this.cpus.size === 0);
    this.memory.hide(!this.memoryReading);
    this.network.hide(this.networks.size === 0);
    this.wait.hide(this.pressure.size === 0);
  }

  drawCpu() {
    const load = this.loadReading;
    this.load.show(percent(this.meanLoad()), load ? `load ${load.one.toFixed(2)} · ${load.five.toFixed(2)} · ${load.fifteen.toFixed(2)}` : '');
    this.load.list([...this.cpus].sort((a, b) => a[0] - b[0]).slice(0, 8).map(([cpu, value]) => [`cpu ${cpu}`, percent(value)]));
  }

  drawMemory() {
    const { total, available, cached, swap_total: swapTotal, swap_free: swapFree } = this.memoryReading;
    this.memory.show(percent(this.used()), `${bytes(total - available)} of ${bytes(total)}`);
    const pairs = [['cached', bytes(cached)]];
    if (swapTotal > 0) pairs.push(['swap', `${bytes(swapTotal - swapFree)} of ${bytes(swapTotal)}`]);
    this.memory.list(pairs);
  }
}

class Card {
  constructor(box, title, options) {
    this.element = make('article', 'panel card');
    this.value = make('b');
    this.detail = make('span', 'muted');
    const line = make('p', 'value');
    line.append(this.value, this.detail);
    this.canvas = make('div', 'chart');
    this.canvas.setAttribute('role', 'img');
    this.canvas.setAttribute('aria-label', `${title} of the last five minutes`);
    this.pairs = make('dl', 'facts');
    this.element.append(make('h3', '', title), line, this.canvas, this.pairs);
    box.append(this.element);
    this.chart = new TimeChart(this.canvas, { height: 110, size: 46, ...options });
    this.series = new Series(options.lines.length, POINTS);
  }

  hide(isHidden) { this.element.hidden = isHidden; }

  push(second, ...values) {
    this.series.push(second, ...values);
    this.isChanged = true;
  }

  show(value, detail) {
    write(this.value, value);
    write(this.detail, detail);
    if (this.isChanged) this.chart.set(this.series.data);
    this.isChanged = false;
  }

  list(pairs) { facts(this.pairs, pairs); }
}
