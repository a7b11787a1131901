// Views: which of them is shown, by the address's fragment; the others do nothing.

// makers: {live: () => view, …}, each made when it is shown first; a view has show() and hide(). What has no maker is not
// offered.
export function connectViews(makers) {
  const names = Object.keys(makers);
  for (const link of document.querySelectorAll('.views a')) {
    const name = link.getAttribute('href').replace('#', '');
    link.hidden = link.getAttribute('href').startsWith('#') ? !names.includes(name) : names.length === 1;
  }
  const made = new Map();
  let shown;
  const look = () => {
    const name = names.find((known) => location.hash === `#${known}`) ?? shown ?? names[0];
    if (name === shown) return;
    if (shown) made.get(shown).hide();
    shown = name;
    for (const other of names) document.getElementById(`view-${other}`).hidden = other !== name;
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
