// TokenSource: where a connection's token comes from: a string, or a function that is asked for each connection.
//
// It goes to the broker as an entry `ringcast.token.<token>` of the subprotocols: in no URL, so in no log.

import { RingcastError } from './error.js';

const kPrefix = 'ringcast.token.';

function check(token) {
  if (typeof token !== 'string' || !/^[\w.~+-]+$/.test(token)) throw new RingcastError('token', 'a token is letters, digits and . _ - ~ +');
  return token;
}

export class TokenSource {
  #given;

  // `given`: a string, or (reason) => string or a promise of one; nothing: no token.
  constructor(given) {
    if (!['undefined', 'string', 'function'].includes(typeof given)) {
      throw new RingcastError('usage', 'a token is a string, or a function that gives one');
    }
    if (typeof given === 'string') check(given);
    this.#given = given;
  }

  get canRenew() {
    return typeof this.#given === 'function';
  }

  // `reason`: 'connect', 'reconnect', or 'expired' after the broker closed for it. undefined: none is wanted.
  async get(reason) {
    const token = this.canRenew ? await this.#given(reason) : this.#given;
    return token === undefined || token === null ? undefined : check(token);
  }

  // The subprotocols to offer.
  static protocols(subprotocol, token) {
    return token === undefined ? [subprotocol] : [subprotocol, kPrefix + token];
  }
}
