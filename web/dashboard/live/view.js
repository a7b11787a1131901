// LiveView: markets and machines.

import { eachFrame, seldom } from '../frame.js';
import { at, count, percent, seconds, write } from '../text.js';
import { Chosen } from './chosen.js';
import { Machines } from './machines.js';
import { Market } from './market.js';
import { MarketTable } from './market_table.js';
import { connectPace } from './pace.js';

const WRITE_EVERY_MS = 100; // nobody reads faster
const FIGURES_EVERY_MS = 250;
const STALE_MS = 3000;
const UNSEEN_PACE = { delivery: 'latest', maxRateHz: 1 }; // enough for the charts to go on

export class LiveView {
  constructor() {
    this.market = new Market();
    this.chosen = -1;
    this.dueAt = 0;
    this.table = new MarketTable(this.market, (symbol) => (this.chosen = symbol));
    this.chart = new Chosen(this.market);
    this.machines = new Machines();
    this.pace = connectPace(at('pace'), at('pace-text'), (pace) => this.setPace(pace));
    this.drawFigures = seldom(FIGURES_EVERY_MS, () => this.figures());
    this.drawMachines = seldom(FIGURES_EVERY_MS, () => this.machines.draw());
    this.drawChart = seldom(FIGURES_EVERY_MS / 2, () => this.chart.draw(this.chosen));
    document.addEventListener('visibilitychange', () => this.look());
  }

  show() {
    this.isShown = true;
    this.look();
    this.end = eachFrame((now) => this.draw(now));
  }

  hide() {
    this.isShown = false;
    this.look();
    this.end();
  }

  // Nobody looks: then a value a second is plenty.
  look() {
    const isSeen = this.isShown && document.visibilityState === 'visible';
    this.market.setPace(isSeen ? this.pace : UNSEEN_PACE);
  }

  setPace(pace) {
    this.pace = pace;
    this.look();
  }

  draw(now) {
    const isDue = now >= this.dueAt;
    this.table.draw(now, isDue);
    if (isDue) {
      this.dueAt = now + WRITE_EVERY_MS;
      this.market.want(this.table.seen, this.chosen);
    }
    this.drawChart(now);
    this.drawMachines(now);
    this.drawFigures(now);
  }

  figures() {
    const { figures, health } = this.market;
    this.state(health, figures);
    if (!figures) return;
    const { received, published, age, lastAt } = figures;
    write(at('market-received'), count(received));
    write(at('market-published'), count(Math.max(published, received)));
    write(at('market-merged'), published > 0 ? percent(Math.max(0, 1 - received / published)) : '–');
    write(at('market-age'), Number.isNaN(age) ? '–' : age < 1000 ? `${Math.max(0, Math.round(age))} ms` : seconds(age));
    write(at('market-last'), lastAt ? `${seconds(Date.now() - lastAt)} ago` : '–');
  }

  state(health, figures) {
    const element = at('market-state');
    const now = Date.now();
    const silence = now - (figures?.lastAt || now);
    const age = figures?.age > STALE_MS ? figures.age : 0;
    const isStale = health.state === 'connected' && (silence > STALE_MS || age > 0);
    element.dataset.state = isStale ? 'stale' : health.state;
    const notice = health.notice && now - health.notice.at < 15_000 ? ` · ${health.notice.text}` : '';
    const words = !isStale ? health.words(now) : age > 0 ? `behind by ${seconds(age)}` : `silent for ${seconds(silence)}`;
    write(element, words + notice);
  }
}
