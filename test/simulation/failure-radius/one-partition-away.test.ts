import { expect, test } from 'vitest';
import { run } from '../run.ts';

test.each(['drain', 'follow'] as const)(
  'while one partition does not answer, the others make progress within a minute (%s)',
  async (mode) => {
    const violations: unknown[] = [];
    for (let seed = 1; seed <= 60; seed += 1) {
      const only =
        mode === 'follow' ? (['partition-away', 'follow'] as const) : (['partition-away'] as const);
      const { violation } = await run({ seed, only });
      if (violation) violations.push({ seed, violation });
    }
    expect(violations).toEqual([]);
  },
);
