// TopicTree: every topic that was heard of, by its levels, with its last message and how often it speaks.
//
// Rates come from sequence numbers, so they are true although the subscription is sent only the newest values. Has no page.

export const TOPICS_MAX = 50_000; // a page that holds more serves nobody
const FADE = 0.5; // of a rate, by each look at it

class Node {
  constructor(name, path, depth) {
    Object.assign(this, { name, path, depth });
    this.children = undefined; // name -> Node
    this.sorted = undefined; // children in the order of their names
    this.isOpen = depth < 1;
    this.message = undefined; // its own last one
    this.topics = 0; // below, itself counted
    this.total = 0; // messages below since it was looked at, itself counted
    this.perSecond = 0;
  }
}

export class TopicTree {
  constructor() {
    this.clear();
  }

  clear() {
    this.root = new Node('', '', -1);
    this.root.isOpen = true;
    this.topics = 0;
    this.refused = 0; // messages of topics for which there was no room
    this.lookedAt = 0;
    this.shape = 0; // rises when rows come, go, open or close
  }

  take(message) {
    const path = this.path(message.topic, message.op !== 'remove');
    if (!path) return;
    const node = path.at(-1);
    if (message.op === 'remove') {
      if (node.message) this.remove(path);
      return;
    }
    const before = node.message;
    // A snapshot is a value that was there before; lower numbers are of another start of the broker.
    const published = !before ? (message.mark === 'live' ? 1 : 0) : message.seq > before.seq ? message.seq - before.seq : 0;
    if (!before) {
      for (const each of path) each.topics += 1;
      this.topics += 1;
      this.shape += 1;
    }
    node.message = message;
    if (published > 0) for (const each of path) each.total += published;
  }

  // Root to topic, made where it is missing; nothing if there is no such topic and none may be made.
  path(topic, make) {
    const path = [this.root];
    let at = this.root;
    let begin = 0;
    for (const name of topic.split('/')) {
      begin += name.length + 1;
      let next = at.children?.get(name);
      if (!next) {
        if (!make) return undefined;
        if (this.topics >= TOPICS_MAX) {
          this.refused += 1;
          return undefined;
        }
        next = new Node(name, topic.slice(0, begin - 1), at.depth + 1);
        at.children ??= new Map();
        at.children.set(name, next);
        at.sorted = undefined;
      }
      path.push(next);
      at = next;
    }
    return path;
  }

  remove(path) {
    path.at(-1).message = undefined;
    for (const each of path) each.topics -= 1;
    this.topics -= 1;
    this.shape += 1;
    for (let level = path.length - 1; level > 0 && path[level].topics === 0; level -= 1) {
      path[level - 1].children.delete(path[level].name);
      path[level - 1].sorted = undefined;
    }
  }

  // Works the rates out from what came since the last look.
  look(now) {
    const passed = (now - this.lookedAt) / 1000;
    const isFirst = this.lookedAt === 0;
    this.lookedAt = now;
    const walk = (node) => {
      if (!isFirst && passed > 0) {
        const rate = node.total / passed;
        node.perSecond = node.perSecond === 0 ? rate : node.perSecond * FADE + rate * (1 - FADE);
        if (node.perSecond < 0.01) node.perSecond = 0;
      }
      node.total = 0;
      if (node.children) for (const child of node.children.values()) walk(child);
    };
    walk(this.root);
  }

  // The nodes that are not inside a closed one, in order.
  rows() {
    const rows = [];
    const walk = (node) => {
      node.sorted ??= [...node.children.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
      for (const child of node.sorted) {
        rows.push(child);
        if (child.children?.size && child.isOpen) walk(child);
      }
    };
    if (this.root.children) walk(this.root);
    return rows;
  }

  toggle(node, isOpen = !node.isOpen) {
    node.isOpen = isOpen;
    this.shape += 1;
  }
}
