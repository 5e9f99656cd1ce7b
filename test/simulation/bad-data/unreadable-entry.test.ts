import { expect, test } from 'vitest';
import type { Fault } from '../faults.ts';
import { run } from '../run.ts';

const SEEDS = 60;

test.each<[string, Fault]>([
  [
    'an entry that cannot be read halts its partition behind everything before it; given up, all else is read',
    'unreadable',
  ],
  ['while a broker names entries and sends none, no partition is called drained', 'broker-silent'],
])('%s', async (_, fault) => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { violation } = await run({ seed, given: [fault] });
    expect(violation && `seed ${seed}: ${violation.invariant}: ${violation.message}`).toBeUndefined();
  }
});
