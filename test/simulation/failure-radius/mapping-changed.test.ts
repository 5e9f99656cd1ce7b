import { expect, test } from 'vitest';
import { run } from '../run.ts';

test('a mapping deployed while an insert travels doubles no row, though it moves rows to other table partitions', async () => {
  const violations: unknown[] = [];
  for (let seed = 1; seed <= 120; seed += 1) {
    const { violation } = await run({
      seed,
      only: ['mapping-changed', 'slow-insert', 'freeze', 'table-lost', 'table-slow', 'several-days'],
    });
    if (violation) violations.push({ seed, violation });
  }
  expect(violations).toEqual([]);
});
