import { expect, test } from 'vitest';
import type { Intent } from '../../../lib/pipeline/intent.ts';
import { intent, partitionState } from '../../contract/state-store/states.ts';
import { run } from '../run.ts';
import { droppedFromPartition } from '../versions.ts';

const SEEDS = Array.from({ length: 3 }, (_, n) => n + 1);

test.each(SEEDS)(
  'invocations of this version and of the next work side by side and keep each other’s fields (seed %i)',
  async (seed) => {
    const { faults, violation } = await run({ seed, given: ['two-versions'] });
    expect(faults).toContain('two-versions');
    expect(violation).toBeUndefined();
  },
);

test('a write that drops a field of a later version is seen, in the state and in a batch in flight', () => {
  const batch: Intent = { ...intent(), ...{ later: 'g1 1' } };
  const before = { ...partitionState('events', { inFlight: [batch] }), later: 'w1' };
  const { later: _, ...withoutField } = before;
  expect(droppedFromPartition(before, { ...before, writeId: 'w2' })).toBeUndefined();
  expect(droppedFromPartition(before, { ...withoutField, writeId: 'w2' })).toBe('the field of the state');
  expect(droppedFromPartition(before, { ...before, writeId: 'w2', inFlight: [intent()] })).toBe(
    'the field of batch 1',
  );
});
