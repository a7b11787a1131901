// TimeChart: lines over time, by uPlot, in the page's colours, as wide as there is room.

import uPlot from 'uplot';
import { color, faint } from './palette.js';
import { onTheme } from './theme.js';

const BYTE_STEPS = Array.from({ length: 45 }, (_, power) => 2 ** power);
const FONT = '11px system-ui, sans-serif';

export class TimeChart {
  // lines: [{label, color: '--up', fill}]; format(value) for the axis and the cursor; min, max: of the scale, where they are fixed;
  // atLeast: the scale reaches at least so high; isBytes: its steps are powers of two.
  constructor(element, { lines, format = String, min, max, atLeast = 0, height = 120, size = 52, padding = false, isBytes = false }) {
    this.element = element;
    this.lines = lines;
    this.height = height;
    this.format = format;
    this.data = [[], ...lines.map(() => [])];
    this.range = (_, low, high) => {
      const bottom = min ?? (padding ? low - (high - low || Math.abs(low) * 0.001 || 1) * 0.08 : low);
      const top = max ?? Math.max(atLeast, padding ? high + (high - low || Math.abs(high) * 0.001 || 1) * 0.08 : high * 1.05);
      return [bottom, top > bottom ? top : bottom + 1];
    };
    this.size = size;
    this.steps = isBytes ? { incrs: BYTE_STEPS } : {};
    this.observer = new ResizeObserver(([entry]) => this.resize(entry.contentRect.width));
    this.observer.observe(element);
    onTheme(() => this.plot?.redraw(false, true));
  }

  resize(width) {
    if (width < 10) return;
    if (this.plot) this.plot.setSize({ width, height: this.height });
    else this.plot = new uPlot(this.options(width), this.data, this.element);
  }

  // data: [seconds since 1970, …values of each line], a gap is null.
  set(data) {
    this.data = data;
    this.plot?.setData(data);
  }

  options(width) {
    const axis = {
      stroke: () => color('--muted'), font: FONT,
      grid: { stroke: () => color('--line'), width: 1 }, ticks: { show: false },
    };
    const series = this.lines.map((line) => ({
      label: line.label,
      stroke: () => color(line.color),
      fill: line.fill ? () => faint(line.color, 0.13) : undefined,
      width: 1.5,
      points: { show: false },
      value: (_, value) => (value == null ? '–' : this.format(value)),
    }));
    return {
      width,
      height: this.height,
      padding: [8, 26, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { size: 6 }, y: false },
      scales: { x: { time: true }, y: { range: this.range } },
      axes: [
        { ...axis, size: 26, space: 76, values: (_, times) => times.map(timeOfDay) },
        { ...axis, size: this.size, space: 30, ...this.steps, values: (_, values) => values.map(this.format) },
      ],
      series: [{}, ...series],
      plugins: [readout(this)],
    };
  }
}

const timeOfDay = (second) => new Date(second * 1000).toTimeString().slice(0, 8);

// The values under the cursor, as text in the chart's corner.
function readout(chart) {
  const label = Object.assign(document.createElement('p'), { className: 'readout', hidden: true });
  return {
    hooks: {
      init: (plot) => plot.over.append(label),
      setCursor: (plot) => {
        const { idx } = plot.cursor;
        label.hidden = idx == null || plot.data[0].length === 0;
        if (label.hidden) return;
        const values = chart.lines.map((line, index) => {
          const value = plot.data[index + 1][idx];
          return `${chart.lines.length > 1 ? `${line.label} ` : ''}${value == null ? '–' : chart.format(value)}`;
        });
        label.textContent = `${timeOfDay(plot.data[0][idx])}  ${values.join('  ')}`;
      },
    },
  };
}
