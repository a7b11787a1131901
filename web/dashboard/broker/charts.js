// Charts: the broker's last minutes, one panel for each thing.

import { bytes, compact, make, micros } from '../text.js';
import { TimeChart } from '../time_chart.js';
import { LINES } from './history.js';

const COLORS = ['--accent', '--second', '--warn'];
const LOOKS = {
  messages: ['Messages/s', compact, 10],
  traffic: ['Bytes/s', bytes, 1024],
  latency: ['Sequenced to sent', micros, 100],
  connections: ['Connections', compact, 4],
  memory: ['Memory', bytes, 1024],
  turns: ['Turns and wakes/s', compact, 10],
};

export class Charts {
  constructor(box, history) {
    this.history = history;
    this.charts = Object.entries(LOOKS).map(([name, [title, format, atLeast]]) => {
      const lines = LINES[name].map(([label], index) => ({ label, color: COLORS[index], fill: index === 0 }));
      const panel = make('article', 'panel');
      const legend = make('p', 'legend');
      for (const { label, color } of lines) {
        const item = make('span', '', label);
        item.style.setProperty('--ink', `var(${color})`);
        legend.append(item);
      }
      const chart = make('div', 'chart');
      chart.setAttribute('role', 'img');
      chart.setAttribute('aria-label', `${title} of the last minutes`);
      panel.append(make('h2', '', title), legend, chart);
      box.append(panel);
      return { name, chart: new TimeChart(chart, { lines, format, min: 0, atLeast, height: 130, size: 62, isBytes: format === bytes }) };
    });
  }

  draw() {
    for (const { name, chart } of this.charts) chart.set(this.history.series[name].data);
  }
}
