import { describe, expect, test } from 'vitest';
import { commit, failTry, halt, intend, resume } from '../../../lib/pipeline/partition-transitions.ts';
import { parsePosition } from '../../../lib/pipeline/position.ts';
import { makesNoProgress } from '../../../lib/pipeline/progress.ts';
import { emptyPartition, intentOf } from '../pipeline/fixtures.ts';

const failure = {
  code: 'PH_INSERT_FAILED',
  message: 'Code: 130',
  nextStep: 'Read it.',
  position: '(-1:-1, 3:4]',
  at: 1_000,
};
const last = parsePosition('3:9');
const committed = { ...emptyPartition, committed: last };

function failedSoOften(times: number, state = emptyPartition) {
  let failed = state;
  for (let time = 1; time <= times; time += 1) failed = failTry(failed, { ...failure, at: time * 1_000 });
  return failed;
}

describe('failed tries of a partition', () => {
  test('are counted since the first, and the newest is described', () => {
    const failed = failTry(failedSoOften(2), { ...failure, code: 'PH_CLICKHOUSE_UNREACHABLE', at: 9_000 });
    expect(failed.failedTries).toEqual({
      ...failure,
      code: 'PH_CLICKHOUSE_UNREACHABLE',
      count: 3,
      since: 1_000,
      at: 9_000,
    });
  });

  test('are forgotten by the next commit, and by a resume', () => {
    const intended = intend(emptyPartition, intentOf(1, '-1:-1', '3:4'));
    expect(commit(failedSoOften(5, intended), 1).failedTries).toBeUndefined();
    expect(resume(failedSoOften(5)).failedTries).toBeUndefined();
  });

  test('do not make the state large, whatever the server quotes', () => {
    const { failedTries } = failTry(emptyPartition, { ...failure, message: 'x'.repeat(1_000_000) });
    expect(failedTries?.message).toMatch(/^x{500,}…$/);
    expect(failedTries?.message.length).toBeLessThan(1_000);
  });

  test('are a fault from the third on, where there is something to store', () => {
    expect(makesNoProgress(failedSoOften(2), last)).toBe(false);
    expect(makesNoProgress(failedSoOften(3), last)).toBe(true);
    expect(makesNoProgress(failedSoOften(3, committed), last)).toBe(false);
    const inFlight = { ...committed, inFlight: [intentOf(1, '3:9', '3:10')] };
    expect(makesNoProgress(failedSoOften(3, inFlight), last)).toBe(true);
  });

  test('are not told beside a halt, which says more', () => {
    const reason = { code: 'PH_X', reason: 'r', nextStep: 'n', position: undefined, at: 5_000 };
    expect(makesNoProgress(halt(failedSoOften(9), reason), last)).toBe(false);
  });
});
