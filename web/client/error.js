// RingcastError: why something was refused, lost or given up. `code` is the broker's (proto/ringcast.proto) or one of ours:
// closed, full, unknown, not_sent, usage, timeout, connection, token.

export class RingcastError extends Error {
  constructor(code, message, more = {}) {
    super(message);
    this.name = 'RingcastError';
    this.code = code;
    Object.assign(this, more); // field, closeCode
  }

  // As it crosses to another thread: structured clones of errors lose their members.
  static plain({ code, message, field, closeCode }) {
    return { code, message, field, closeCode };
  }

  static from({ code, message, ...more }) {
    return new RingcastError(code, message, more);
  }
}
