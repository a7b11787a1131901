// Figures: what lists of measurements say.

// The one so far up in the sorted list: 0.5 is the median, of an even count the mean of the two in the middle.
export function quantile(list, share) {
  const sorted = Float64Array.from(list).sort();
  if (share !== 0.5) return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return (sorted[Math.ceil(sorted.length / 2) - 1] + sorted[Math.floor(sorted.length / 2)]) / 2;
}

export const median = (list) => quantile(list, 0.5);

// "0.98 (0.91 to 1.13)": the median and the ends.
export function spread(list, digits = 2) {
  const least = list.reduce((a, b) => Math.min(a, b), Infinity);
  const most = list.reduce((a, b) => Math.max(a, b), -Infinity);
  return `${median(list).toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`;
}

// "p50 120, p99 431, max 502"
export function tail(list, unit = '') {
  if (list.length === 0) return 'none';
  const [p50, p99, most] = [0.5, 0.99, 1].map((share) => quantile(list, share).toFixed(0));
  return `p50 ${p50}${unit}, p99 ${p99}${unit}, max ${most}${unit}`;
}

export const mebibytes = (bytes) => `${(bytes / 1048576).toFixed(0)} MiB`;
