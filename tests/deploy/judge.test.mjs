// The judge of what subscribers hear while a pod is replaced: it is content with what is right, and names what is wrong.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { faults } from './cluster/judge.mjs';

const acked = [1, 2, 3, 4, 5, 6].map((number) => ({ topic: 't', number, epoch: number <= 3 ? 'old' : 'new', maybeTwice: false }));
const heard = (...numbers) => numbers.map((number) => ({ topic: 't', number, life: number <= 3 ? 'old' : 'new' }));
const good = {
  name: 's',
  heard: heard(2, 3, 5, 6),
  lives: [{ life: 'old', epoch: 'old', told: false }, { life: 'new', epoch: 'new', told: true }],
  closes: [1012],
};

test('who heard all since it came, and was told of the gap, has nothing to complain of', () => {
  assert.deepEqual(faults([good], acked), []);
});

test('each fault is named', () => {
  const [old, fresh] = good.lives;
  for (const [fault, change] of [
    ['s: closed with 1006', { closes: [1006] }],
    ['s: did not come back', { lives: [old] }],
    ['s: was not told of the gap before new', { lives: [old, { ...fresh, told: false }] }],
    ['s: t in old: 1 acknowledged and not heard, from 3', { heard: heard(2, 5, 6) }],
    ['s: t in new: 1 acknowledged and not heard, from 6', { heard: heard(2, 3, 5) }],
    ['s: t in old: 2 not in its place', { heard: heard(3, 2, 5, 6) }],
  ]) {
    const found = faults([{ ...good, ...change }], acked);
    assert.ok(found.includes(fault), `${fault}: ${found}`);
  }
});

test('what came twice is a fault, but for what its publisher had to send again to another broker', () => {
  const doubled = { ...good, heard: [...heard(2, 3), { topic: 't', number: 3, life: 'new' }, ...heard(4, 5, 6)] };
  assert.deepEqual(faults([doubled], acked), ['s: t 3 came twice']);
  assert.deepEqual(faults([doubled], acked.map((one) => ({ ...one, maybeTwice: one.number === 3 }))), []);
});
