// Views: which of them is shown, by the address's fragment; the others do nothing.

const NAMES = ['live', 'explore', 'broker'];

// makers: {live: () => view, …}, each made when it is shown first; a view has show() and hide().
export function connectViews(makers) {
  const made = new Map();
  let shown;
  const look = () => {
    const name = NAMES.find((known) => location.hash === `#${known}`) ?? shown ?? 'live';
    if (name === shown) return;
    if (shown) made.get(shown).hide();
    shown = name;
    for (const other of NAMES) document.getElementById(`view-${other}`).hidden = other !== name;
    for (const link of document.querySelectorAll('.views a')) {
      if (link.getAttribute('href') === `#${name}`) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    document.title = `Ringcast: ${name}`;
    if (!made.has(name)) made.set(name, makers[name]());
    made.get(name).show();
  };
  addEventListener('hashchange', look);
  look();
}
