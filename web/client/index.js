// ringcast: the JavaScript client of the Ringcast broker. index.d.ts documents all of it.

export { connect } from './connect.js';
export { RingcastError } from './error.js';
