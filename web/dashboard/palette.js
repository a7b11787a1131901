// Palette: the colours of the style sheet for what is painted on a canvas.

const known = new Map();
let probe;

// "--up" as "rgb(21, 128, 61)". The names stand for light-dark(…), which only a property of an element resolves.
export function color(name) {
  if (known.has(name)) return known.get(name);
  probe ??= document.body.appendChild(Object.assign(document.createElement('span'), { hidden: true }));
  probe.style.color = `var(${name})`;
  const value = getComputedStyle(probe).color;
  known.set(name, value);
  return value;
}

// The same with an alpha of 0 to 1.
export function faint(name, alpha) {
  return color(name).replace(/^rgba?\(([^,]+,[^,]+,[^,)]+).*$/, `rgba($1, ${alpha})`);
}

export function forgetColors() {
  known.clear();
}
