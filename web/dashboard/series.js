// Series: values over time as a chart takes them, the last `size` of each line, the oldest first.

export class Series {
  // gapSeconds: so long without a value is a gap in the lines.
  constructor(lines, size, gapSeconds = 5) {
    this.size = size;
    this.gapSeconds = gapSeconds;
    this.data = [[], ...Array.from({ length: lines }, () => [])];
  }

  // At `second` (since 1970) each line was at its value; null: unknown.
  push(second, ...values) {
    const last = this.data[0].at(-1);
    if (last !== undefined && second <= last) return;
    if (last !== undefined && second - last > this.gapSeconds) this.append(last + 1, values.map(() => null));
    this.append(second, values);
  }

  append(second, values) {
    [second, ...values].forEach((value, line) => {
      this.data[line].push(value);
      if (this.data[line].length > this.size) this.data[line].shift();
    });
  }
}
