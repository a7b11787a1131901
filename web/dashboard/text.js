// Text: numbers as people read them, and writing them where they differ.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const one = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const money = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

export const price = (value) => (Number.isFinite(value) ? money.format(value) : '–');
export const compact = (value) => short.format(value);
export const percent = (share) => `${Math.round(share * 100)} %`;
export const change = (share) => `${share >= 0 ? '+' : '−'}${money.format(Math.abs(share) * 100)} %`;

// 4812 as "4,812", 0.25 as "0.3".
export const count = (value) => (Math.abs(value) < 10 ? one : whole).format(value);

// 1536 as "1.5 KiB".
export function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let at = 0;
  for (; value >= 1024 && at < units.length - 1; at += 1) value /= 1024;
  return `${(value < 100 ? one : whole).format(value)} ${units[at]}`;
}

// Milliseconds as "0.4 s", "12 s", "3 min", "5 h".
export function seconds(ms) {
  if (ms < 10_000) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}

// Microseconds as "320 µs", "1.3 ms", "1.2 s".
export function micros(us) {
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 1_000_000) return `${one.format(us / 1000)} ms`;
  return `${one.format(us / 1_000_000)} s`;
}

// Milliseconds since 1970 as "14:03:07.123", where the page is.
export function clock(ms) {
  const time = new Date(ms);
  const two = (value, digits = 2) => String(value).padStart(digits, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${two(time.getMilliseconds(), 3)}`;
}

// Writes what is not there yet: each write costs the browser a layout.
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export const at = (id) => document.getElementById(id);

// A new element: make('td', 'number', 'text').
export function make(name, className = '', text = '') {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

// Facts, [['Bid', '12.40'], …], in a <dl> that keeps its elements.
export function facts(list, pairs) {
  while (list.childElementCount > pairs.length) list.lastElementChild.remove();
  pairs.forEach(([name, value], index) => {
    let row = list.children[index];
    if (!row) {
      row = make('div');
      row.append(make('dt'), make('dd'));
      list.append(row);
    }
    write(row.firstElementChild, name);
    write(row.lastElementChild, value);
  });
}
