import { expect, test } from 'vitest';
import { run } from '../run.ts';

test('however long the oldest batch is in doubt, no more than two are stored behind those in flight', async () => {
  const violations: unknown[] = [];
  for (let seed = 1; seed <= 80; seed += 1) {
    const { violation } = await run({ seed, only: ['slow-insert', 'freeze', 'state-lost', 'follow'] });
    if (violation) violations.push({ seed, violation });
  }
  expect(violations).toEqual([]);
});
