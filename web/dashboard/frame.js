// Frame: the one loop that writes to the page. What changes is only remembered; it is shown at the next animation frame,
// and not at all while nobody looks.

const shown = new Set();

// Calls draw(now) once a frame, now in milliseconds, until the function that it gives back is called.
export function eachFrame(draw) {
  shown.add(draw);
  return () => shown.delete(draw);
}

// draw(now) as eachFrame calls it, but so many milliseconds apart at least.
export function seldom(ms, draw) {
  let next = 0;
  return (now) => {
    if (now < next) return;
    next = now + ms;
    draw(now);
  };
}

function run(now) {
  for (const draw of shown) draw(now);
  requestAnimationFrame(run);
}
requestAnimationFrame(run);
