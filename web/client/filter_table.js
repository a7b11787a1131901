// FilterTable: which subscriptions a live message is for. The broker sends it once; clients dispatch by filter.
//
// Filters as MQTT 5 section 4.7: "+" is one level, a last "#" the rest and the level before it; neither matches a topic
// that begins with "$" where it stands first. A tree by level: a thousand filters cost what one topic is long.

const makeNode = () => ({ children: new Map(), here: new Set(), rest: new Set() });
const isEmpty = ({ children, here, rest }) => children.size + here.size + rest.size === 0;

export const isExact = (filter) => !/(^|\/)(\+|#)(\/|$)/.test(filter);

export class FilterTable {
  #root = makeNode();

  add(filter, value) {
    let node = this.#root;
    const levels = filter.split('/');
    const below = levels.at(-1) === '#' && levels.pop();
    for (const level of levels) {
      if (!node.children.has(level)) node.children.set(level, makeNode());
      node = node.children.get(level);
    }
    (below ? node.rest : node.here).add(value);
  }

  remove(filter, value) {
    const levels = filter.split('/');
    const below = levels.at(-1) === '#' && levels.pop();
    const path = [this.#root];
    for (const level of levels) {
      const next = path.at(-1).children.get(level);
      if (!next) return;
      path.push(next);
    }
    (below ? path.at(-1).rest : path.at(-1).here).delete(value);
    for (let i = path.length - 1; i > 0 && isEmpty(path[i]); --i) path[i - 1].children.delete(levels[i - 1]);
  }

  clear() {
    this.#root = makeNode();
  }

  // The values whose filter matches `topic`, each once.
  match(topic) {
    const found = [];
    const levels = topic.split('/');
    const visit = (node, i) => {
      const wild = i > 0 || !topic.startsWith('$'); // the broker's own topics are named, not met
      if (wild) found.push(...node.rest);
      if (i === levels.length) return found.push(...node.here);
      for (const level of wild && levels[i] !== '+' ? [levels[i], '+'] : [levels[i]]) {
        const child = node.children.get(level);
        if (child) visit(child, i + 1);
      }
    };
    visit(this.#root, 0);
    return found;
  }
}
