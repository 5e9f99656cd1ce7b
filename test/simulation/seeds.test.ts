import { expect, test } from 'vitest';
import { shrunkReport } from './command/failure.ts';
import { sweep } from './command/sweep.ts';
import { run } from './run.ts';

test('no invariant falls in 500 seeds', async () => {
  const failed = await sweep({ from: 1, to: 500 });
  expect(failed && (await shrunkReport(failed))).toBeUndefined();
});

test('a seed always leads to the same run, traced or not', async () => {
  for (let seed = 1; seed <= 25; seed += 1) {
    const first = await run({ seed });
    const again = await run({ seed, trace: () => {} });
    expect(again).toEqual(first);
  }
});

test('two seeds lead to two runs', async () => {
  const hashes = new Set<number>();
  for (let seed = 1; seed <= 25; seed += 1) hashes.add((await run({ seed })).hash);
  expect(hashes.size).toBe(25);
});

test('the runs are worth their name: every kind of fault is drawn, and messages flow in each', async () => {
  const drawn = new Set<string>();
  for (let seed = 1; seed <= 150; seed += 1) {
    const { faults, messages, steps } = await run({ seed });
    for (const fault of faults) drawn.add(fault);
    expect(messages).toBeGreaterThan(0);
    expect(steps).toBeGreaterThan(100);
  }
  const { FAULTS } = await import('./faults.ts');
  expect([...drawn].sort()).toEqual([...FAULTS].sort());
});
