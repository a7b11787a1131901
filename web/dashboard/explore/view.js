// ExploreView: which topics there are, what they say, and saying something.

import { eachFrame, seldom } from '../frame.js';
import { rc } from '../link.js';
import { at, clock, count, write } from '../text.js';
import { followCode, publishCode } from './code.js';
import { copy } from './clipboard.js';
import { pretty } from './payload.js';
import { PublishForm } from './publish.js';
import { Stream } from './stream.js';
import { StreamView } from './stream_view.js';
import { TOPICS_MAX, TopicTree } from './topic_tree.js';
import { TreeView } from './tree_view.js';

const TREE_RATE_HZ = 1; // so `#` is cheap however much is published
const LOOK_EVERY_MS = 1000;
const DRAW_EVERY_MS = 100;
const COPIED_MS = 1500;

export class ExploreView {
  constructor() {
    this.tree = new TopicTree();
    this.treeView = new TreeView(this.tree, { scroller: at('tree-rows'), body: at('tree'), onChoose: (node) => this.choose(node) });
    this.stream = new Stream();
    this.streamView = new StreamView(this.stream);
    this.language = 'curl';
    this.publish = new PublishForm(() => this.showCode());
    this.draw = seldom(DRAW_EVERY_MS, (now) => this.drawAll(now));
    this.look = seldom(LOOK_EVERY_MS, (now) => this.tree.look(now));
    this.connect();
    this.showCode();
  }

  show() {
    this.subscribe();
    this.end = eachFrame((now) => this.draw(now));
  }

  hide() {
    this.subscription.unsubscribe();
    this.subscription = undefined;
    this.end();
  }

  connect() {
    const onSubmit = (id, then) => at(id).addEventListener('submit', (event) => {
      event.preventDefault();
      then();
    });
    onSubmit('tree-form', () => this.subscribe());
    onSubmit('stream-form', () => this.follow());
    at('stream-form').addEventListener('input', () => this.showCode());
    at('stream-find').addEventListener('input', ({ target }) => this.stream.recent.find(target.value));
    at('stream-clear').addEventListener('click', () => this.stream.recent.clear());
    at('stream-pause').addEventListener('click', () => this.pause(!this.streamView.isPaused));
    at('topic-follow').addEventListener('click', () => {
      at('stream-filter').value = this.followed(this.chosen);
      this.follow();
    });
    at('topic-publish').addEventListener('click', () => this.publish.setTopic(this.chosen.path));
    for (const button of document.querySelectorAll('[data-language]')) button.addEventListener('click', () => this.speak(button.dataset.language));
    for (const button of document.querySelectorAll('[data-copy]')) button.addEventListener('click', () => this.copy(button));
  }

  // ---- topics ----

  subscribe() {
    this.subscription?.unsubscribe();
    this.tree.clear();
    this.choose(undefined);
    this.refused = '';
    const filter = at('tree-filter').value.trim() || '#';
    try {
      this.subscription = rc.subscribe(filter, { delivery: 'latest', maxRateHz: TREE_RATE_HZ, start: 'last' }, (message) => this.tree.take(message));
      this.subscription.addEventListener('error', ({ detail }) => (this.refused = detail.message));
    } catch (error) {
      this.refused = error.message;
    }
  }

  choose(node) {
    this.chosen = node;
    this.shownMessage = undefined;
    for (const id of ['topic-follow', 'topic-publish']) at(id).disabled = !node;
    if (!node) at('topic-value').textContent = 'Choose a topic in the tree: its last value is shown here.';
    write(at('topic-name'), node ? node.path : 'No topic chosen');
    this.drawTopic();
  }

  // A topic, or all that is below a level.
  followed(node) {
    return node.message && !node.children?.size ? node.path : `${node.path}/#`;
  }

  drawTopic() {
    const node = this.chosen;
    if (!node) return write(at('topic-facts'), '');
    const { message } = node;
    const rate = `${count(node.perSecond)}/s`;
    write(at('topic-facts'), message ? `seq ${message.seq} · ${clock(message.timeUs / 1000)} · ${rate}` : `${node.topics} ${node.topics === 1 ? 'topic' : 'topics'} · ${rate}`);
    if (this.shownMessage === (message ?? node)) return undefined;
    this.shownMessage = message ?? node;
    return write(at('topic-value'), message ? pretty(message) : 'This level is no topic itself: open it, or follow all that is below it.');
  }

  drawAll(now) {
    this.look(now);
    this.treeView.draw();
    this.drawTopic();
    this.streamView.draw(now);
    const full = this.tree.refused ? `; more than ${count(TOPICS_MAX)}: narrow the filter` : '';
    write(at('tree-summary'), this.refused || `${count(this.tree.topics)} topics with a value, ${count(this.tree.root.perSecond)} messages/s${full}`);
  }

  // ---- messages ----

  follow() {
    const wanted = this.wanted;
    if (!wanted.filter) return;
    this.stream.recent.clear();
    this.pause(false);
    this.stream.follow(wanted);
    at('stream-pause').disabled = false;
    this.showCode();
  }

  get wanted() {
    const [filter, pace, start] = ['filter', 'pace', 'start'].map((name) => at(`stream-${name}`).value);
    return { filter: filter.trim(), pace, start };
  }

  pause(isPaused) {
    this.streamView.pause(isPaused);
    at('stream-pause').setAttribute('aria-pressed', `${isPaused}`);
    at('stream-pause').textContent = isPaused ? 'Go on' : 'Pause';
  }

  // ---- code ----

  showCode() {
    if (!this.publish) return; // while the form is made
    const base = new URL('.', document.baseURI).href.replace(/\/$/, '');
    write(at('code-publish'), publishCode(this.language, base, this.publish.wanted));
    write(at('code-follow'), followCode(this.language, base, this.wanted));
  }

  speak(language) {
    this.language = language;
    for (const button of document.querySelectorAll('[data-language]')) button.setAttribute('aria-pressed', `${button.dataset.language === language}`);
    this.showCode();
  }

  async copy(button) {
    const isCopied = await copy(at(button.dataset.copy).textContent);
    button.textContent = isCopied ? 'Copied' : 'Refused';
    setTimeout(() => (button.textContent = 'Copy'), COPIED_MS);
  }
}
