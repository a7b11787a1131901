// Svg: a line chart as text. The x axis is logarithmic unless its values are few and even; y begins at 0 or is logarithmic.

const kWidth = 640;
const kHeight = 360;
const kPlot = { left: 76, right: 500, top: 56, bottom: 304 };
const kColours = { ringcast: '#0b6bcb', naive: '#c2410c', raw: '#0b6bcb', proto: '#0b6bcb', floor: '#555555', nats: '#c2410c', uws: '#15803d', ws: '#7e22ce' };
const kNames = { ringcast: 'Ringcast', naive: 'naive scan', raw: 'Ringcast, raw', proto: 'Ringcast, protobuf', floor: 'floor', nats: 'nats-server', uws: 'uWebSockets.js', ws: 'npm ws' };

const escape = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
const text = (x, y, words, more = '') => `<text x="${x}" y="${y}" ${more}>${escape(words)}</text>`;

// 1, 2 or 5 times a power of ten, not below `value`.
function round_up(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value * 0.999);
}

function y_axis(most, least, log) {
  const [top, bottom] = [kPlot.top, kPlot.bottom];
  if (!log) {
    const step = round_up(most / 5);
    const end = Math.ceil(most / step) * step;
    const ticks = Array.from({ length: Math.round(end / step) + 1 }, (_, i) => i * step);
    return { ticks, place: (value) => bottom - (value / end) * (bottom - top) };
  }
  const [low, high] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))];
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  return { ticks, place: (value) => bottom - ((Math.log10(value) - low) / (high - low)) * (bottom - top) };
}

function x_axis(at) {
  const even = at.length < 5;
  const share = even ? (x) => (x - at[0]) / (at.at(-1) - at[0]) : (x) => Math.log(x / at[0]) / Math.log(at.at(-1) / at[0]);
  return (x) => kPlot.left + 16 + share(x) * (kPlot.right - kPlot.left - 32);
}

const short = (value) => (value >= 1000 ? value.toLocaleString('en-US') : `${Number(value.toPrecision(3))}`);

// `lines`: {who: [[x, y, least, most], …]}. The bars are the spread.
export function chart({ title, subtitle, x_title, at, label, lines, log, foot }) {
  const values = Object.values(lines).flat().flatMap(([, , least, most]) => [least, most]).filter((y) => y > 0);
  const y = y_axis(Math.max(...values), Math.min(...values), log);
  const x = x_axis(at);
  const out = [`<svg xmlns="http://www.w3.org/2000/svg" width="${kWidth}" height="${kHeight}" viewBox="0 0 ${kWidth} ${kHeight}" `
    + 'font-family="system-ui, sans-serif" font-size="12" fill="#222">',
  `<rect width="${kWidth}" height="${kHeight}" fill="#fff"/>`,
  text(16, 22, title, 'font-size="15" font-weight="600"'), text(16, 40, subtitle, 'fill="#555"')];
  for (const tick of y.ticks) {
    const height = y.place(tick).toFixed(1);
    out.push(`<line x1="${kPlot.left}" x2="${kPlot.right}" y1="${height}" y2="${height}" stroke="#e3e3e3"/>`,
      text(kPlot.left - 8, Number(height) + 4, short(tick), 'text-anchor="end"'));
  }
  for (const value of at) out.push(text(x(value).toFixed(1), kPlot.bottom + 18, label(value), 'text-anchor="middle"'));
  out.push(text((kPlot.left + kPlot.right) / 2, kPlot.bottom + 38, x_title, 'text-anchor="middle" fill="#555"'));
  let place = kPlot.top + 8;
  for (const [who, points] of Object.entries(lines)) {
    const colour = kColours[who];
    const shown = points.filter(([, value]) => value > 0);
    out.push(`<polyline fill="none" stroke="${colour}" stroke-width="2" points="${shown.map(([at_x, value]) => `${x(at_x).toFixed(1)},${y.place(value).toFixed(1)}`).join(' ')}"/>`);
    for (const [at_x, value, least, most] of shown) {
      const px = x(at_x).toFixed(1);
      out.push(`<line x1="${px}" x2="${px}" y1="${y.place(least).toFixed(1)}" y2="${y.place(most).toFixed(1)}" stroke="${colour}" stroke-opacity="0.4" stroke-width="3"/>`,
        `<circle cx="${px}" cy="${y.place(value).toFixed(1)}" r="3.5" fill="${colour}"/>`);
    }
    out.push(`<rect x="${kPlot.right + 16}" y="${place - 9}" width="10" height="10" fill="${colour}"/>`, text(kPlot.right + 32, place, kNames[who]));
    place += 20;
  }
  out.push(text(16, kHeight - 4, foot, 'font-size="10" fill="#777"'), '</svg>');
  return `${out.join('\n')}\n`;
}
