// Machines: every host that publishes to iot/<host>/….

import { rc } from '../link.js';
import { at } from '../text.js';
import { valueOf } from '../value.js';
import { Host } from './host.js';

const FILTER = 'iot/#';
const RATE_HZ = 2; // each sensor speaks once a second
const HOSTS_MAX = 12; // a page of more is none

export class Machines {
  constructor() {
    this.hosts = new Map();
    this.box = at('machines');
    rc.subscribe(FILTER, { delivery: 'latest', maxRateHz: RATE_HZ, start: 'last' }, (message) => this.take(message));
  }

  take(message) {
    const reading = valueOf(message);
    if (typeof reading?.host !== 'string' || typeof reading.sensor !== 'string') return;
    let host = this.hosts.get(reading.host);
    if (!host) {
      if (this.hosts.size >= HOSTS_MAX) return;
      host = new Host(reading.host, this.box);
      this.hosts.set(reading.host, host);
      at('machines-empty').hidden = true;
    }
    host.take(reading, message.mark === 'snapshot' ? message.timeUs / 1000 : Date.now());
  }

  draw() {
    const now = Date.now();
    for (const host of this.hosts.values()) host.draw(now);
  }
}
