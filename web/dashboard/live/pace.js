// Pace: the slider that says how many updates a second of each topic this page wants.

const STEPS = [0.2, 0.5, 1, 2, 5, 10, 20, 50, 0, 'every'];

export function paceOf(step) {
  const hz = STEPS[step];
  return hz === 'every' ? { delivery: 'every' } : { delivery: 'latest', maxRateHz: hz };
}

function words(step) {
  const hz = STEPS[step];
  if (hz === 'every') return 'every message';
  if (hz === 0) return 'as fast as it goes';
  return hz < 1 ? `one per ${1 / hz} s and topic` : `${hz}/s of each topic`;
}

// Calls changed(pace) when the slider has come to rest on another step.
export function connectPace(input, output, changed) {
  let asked = Number(input.value);
  const show = () => {
    output.textContent = words(Number(input.value));
    input.setAttribute('aria-valuetext', output.textContent);
  };
  input.addEventListener('input', () => {
    show();
    if (Number(input.value) === asked) return;
    asked = Number(input.value);
    changed(paceOf(asked));
  });
  show();
  return paceOf(asked);
}
