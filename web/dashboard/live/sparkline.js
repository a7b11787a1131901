// Sparkline: a line of a few dozen numbers in a table's cell.

import { color } from '../palette.js';

// `points` from left to right, NaN: a gap. The canvas is of a fixed size in the style sheet.
export function drawSparkline(canvas, points, width, height, colorName) {
  const ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext('2d');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  let [low, high] = [Infinity, -Infinity];
  for (const value of points) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return;
  const scale = high > low ? (height - 4) / (high - low) : 0;
  const step = (width - 2) / (points.length - 1);
  context.beginPath();
  let isDown = false;
  for (let at = 0; at < points.length; at += 1) {
    if (Number.isNaN(points[at])) {
      isDown = false;
      continue;
    }
    const [x, y] = [1 + at * step, scale === 0 ? height / 2 : height - 2 - (points[at] - low) * scale];
    if (isDown) context.lineTo(x, y);
    else context.moveTo(x, y);
    isDown = true;
  }
  context.strokeStyle = color(colorName);
  context.lineWidth = 1.3;
  context.lineJoin = 'round';
  context.stroke();
}
