// Charts: small line drawings on a canvas. Colours come from the style sheet, so that they follow light and dark.

let colors;
const scheme = matchMedia('(prefers-color-scheme: dark)');
scheme.addEventListener('change', () => { colors = undefined; });

// The value of a custom property of the style sheet, "--up".
export function color(name) {
  colors ??= new Map();
  if (!colors.has(name)) colors.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return colors.get(name);
}

// The last `size` numbers that were pushed, oldest first.
export class Series {
  constructor(size) {
    this.size = size;
    this.values = [];
  }

  push(value) {
    this.values.push(value);
    if (this.values.length > this.size) this.values.shift();
  }

  get last() { return this.values.at(-1); }
}

// The size of each canvas as it was laid out last. Asking an element between two writes would lay out the page each time.
const sizes = new WeakMap();
const observer = new ResizeObserver((entries) => {
  for (const entry of entries) sizes.set(entry.target, entry.contentRect);
});

// Sets the canvas to the pixels of the screen; gives back its context, in CSS pixels, cleared; nothing before it is laid out.
function prepare(canvas) {
  const ratio = devicePixelRatio || 1;
  if (!sizes.has(canvas)) {
    sizes.set(canvas, { width: 0, height: 0 });
    observer.observe(canvas);
  }
  const { width, height } = sizes.get(canvas);
  if (width === 0) return undefined;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext('2d');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

function trace(context, series, { width, height, min, max, offset }) {
  const inset = 1.5; // half a line and a bit: nothing is cut at the edges
  const step = width / (series.size - 1);
  const scale = (height - 2 * inset) / (max - min || 1);
  let x = width - step * (series.values.length - 1);
  context.beginPath();
  for (const value of series.values) {
    context.lineTo(x, height - inset - (value - min) * scale + offset);
    x += step;
  }
}

// Draws each of [{ series, color, fill }] over the same scale: from `min` to `max`, or as the values need.
export function drawLines(canvas, lines, { min, max } = {}) {
  const area = prepare(canvas);
  const values = lines.flatMap((line) => line.series.values);
  if (!area || values.length === 0) return;
  const low = min ?? Math.min(...values);
  let high = max ?? Math.max(...values);
  const flat = high === low;
  if (flat) high = low + 1;
  const frame = { ...area, min: low, max: high, offset: flat && min === undefined ? -area.height / 2 + 1.5 : 0 };
  for (const line of lines) {
    if (line.series.values.length === 0) continue;
    trace(area.context, line.series, frame);
    area.context.strokeStyle = color(line.color);
    area.context.lineWidth = 1.5;
    area.context.lineJoin = 'round';
    area.context.stroke();
    if (!line.fill) continue;
    const step = area.width / (line.series.size - 1);
    area.context.lineTo(area.width, area.height);
    area.context.lineTo(area.width - step * (line.series.values.length - 1), area.height);
    area.context.globalAlpha = 0.14;
    area.context.fillStyle = color(line.color);
    area.context.fill();
    area.context.globalAlpha = 1;
  }
}
