import { describe, expect, test } from 'vitest';
import {
  type Absences,
  absenceOf,
  absenceOfBatch,
  absencesOf,
  readAgain,
} from '../../../lib/replay/comparison/absence.ts';

const at = (entry: number) => ({ ledger: 1, entry });
const erased = { reason: 'erased', positions: { after: at(9), to: at(19) } };
const trial = { reason: 'trial', published: { from: 100, to: 200 } };
const absences: Absences = { expiredBefore: 50, exclusions: [erased, trial] };

describe('what may rightly be gone', () => {
  test.each([
    [9, 60, undefined],
    [10, 60, 'excluded'],
    [19, 49, 'excluded'],
    [20, 60, undefined],
    [1, 99, undefined],
    [1, 100, 'excluded'],
    [1, 200, 'excluded'],
    [1, 201, undefined],
    [1, 49, 'expired'],
    [1, 50, undefined],
  ])('entry %i, published at %i: %s', (entry, publishTime, expected) => {
    expect(absenceOf(absences, { position: at(entry), publishTime })).toBe(expected);
  });

  test('an exclusion of one partition concerns no other', () => {
    const audit = { interval: 0, exclusions: [{ ...erased, partition: 3 }, trial] };
    expect(absencesOf({ audit }, 3, undefined).exclusions).toHaveLength(2);
    expect(absencesOf({ audit }, 4, undefined).exclusions).toEqual([trial]);
  });

  test.each([
    ['wholly inside positions', [9, 19], [60, 55, 70], { absence: 'excluded', partly: false }],
    ['in part inside positions', [5, 12], [60, 55, 70], { absence: 'excluded', partly: true }],
    ['beside positions', [19, 25], [60, 55, 70], undefined],
    ['wholly inside times', [30, 40], [200, 100, 300], { absence: 'excluded', partly: false }],
    ['in part inside times', [30, 40], [201, 100, 300], { absence: 'excluded', partly: true }],
    ['older than the horizon', [30, 40], [49, 40, 60], { absence: 'expired', partly: false }],
    ['across the horizon', [30, 40], [51, 40, 60], { absence: 'expired', partly: true }],
    ['younger than the horizon', [30, 40], [60, 50, 70], undefined],
    ['of unknown times before old ones', [30, 40], [0, undefined, 49], { absence: 'expired', partly: false }],
    ['of unknown times', [30, 40], [0, undefined, 60], { absence: 'expired', partly: true }],
    ['the first there is', [30, 40], [60, undefined, 70], undefined],
  ] as const)('a batch %s', (_, [after, to], [publishedUpTo, publishedAfter, publishedBefore], expected) => {
    const batch = { after: at(after), to: at(to), publishedUpTo, publishedAfter, publishedBefore };
    expect(absenceOfBatch(absences, batch)).toEqual(expected);
  });

  test('a reset says what it would read again', () => {
    const audit = { interval: 0, exclusions: [{ ...erased, partition: 3 }] };
    const lines = (to: number, partition = 3) =>
      readAgain({ audit }, { partition, from: at(40), to: at(to) });
    expect(lines(12)).toEqual([
      expect.stringContaining('(1:9, 1:19] is read again although it was deleted ("erased")'),
    ]);
    expect(lines(19)).toEqual([]);
    expect(lines(50)).toEqual([]);
    expect(lines(0, 4)).toEqual([]);
    const byTime = readAgain(
      { audit: { interval: 0, exclusions: [trial] } },
      { partition: 0, from: at(4), to: at(1) },
    );
    expect(byTime).toEqual([expect.stringContaining('where that lies above 1:1')]);
  });
});
