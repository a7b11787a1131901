// What to do when the broker closes with a code: the table of proto/close_code.h, which a test compares with this one.

const kRemedies = {
  1000: 'nothing',
  1001: 'reconnect',
  1002: 'give_up',
  1003: 'give_up',
  1007: 'give_up',
  1008: 'give_up',
  1009: 'give_up',
  1011: 'back_off',
  1012: 'reconnect',
  1013: 'back_off',
  4008: 'reconnect',
  4401: 'new_token',
  4402: 'give_up',
  4403: 'give_up',
  4409: 'give_up',
  1005: 'reconnect', // no code was sent; not in the broker's table
};

export const kCloseCodes = Object.keys(kRemedies).map(Number);

// 'nothing', 'reconnect', 'back_off', 'new_token' or 'give_up'. A code that is not known, 1006 among them: back off.
export function remedyOf(code) {
  return kRemedies[code] ?? 'back_off';
}
