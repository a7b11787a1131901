// Theme: light, dark, or as the system has it; told to whoever paints by hand.

import { forgetColors } from './palette.js';

const KEY = 'ringcast-theme';
const NEXT = { auto: 'light', light: 'dark', dark: 'auto' };
const NAMES = { auto: ['Auto', 'the system’s colours'], light: ['Light', 'colours'], dark: ['Dark', 'colours'] };
const changes = new EventTarget();

// `then()` after each change of colours.
export function onTheme(then) {
  changes.addEventListener('change', then);
}

function changed() {
  forgetColors();
  changes.dispatchEvent(new Event('change'));
}

function keep(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Then it holds until the page is left.
  }
}

// Makes `button` the switch.
export function connectTheme(button) {
  const root = document.documentElement;
  const show = () => {
    const [text, name] = NAMES[root.dataset.theme ?? 'auto'];
    button.textContent = text;
    button.setAttribute('aria-label', `${text}: ${name}`);
  };
  button.addEventListener('click', () => {
    const theme = NEXT[root.dataset.theme ?? 'auto'];
    if (theme === 'auto') delete root.dataset.theme;
    else root.dataset.theme = theme;
    keep(theme);
    show();
    changed();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
  show();
}
