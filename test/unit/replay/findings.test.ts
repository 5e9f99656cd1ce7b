import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FirstIndexes, hashOfIndexes } from '../../../lib/pipeline/index-hash.ts';
import type { Absence } from '../../../lib/replay/comparison/absence.ts';
import {
  compareCounts,
  compareEntries,
  compareSuspects,
  FindingList,
} from '../../../lib/replay/comparison/findings.ts';

const entry = (number: number) => ({ ledger: 1, entry: number });
const first = new FirstIndexes();
const of = (number: number, count: number, absence?: Absence) => ({
  position: entry(number),
  indexes: { count, without: new Set<number>() },
  absence,
});
const standing = (number: number, rows: number) => ({
  position: entry(number),
  ...{ rows, distinct: rows, indexHash: first.hash(rows) },
});

describe('findings', () => {
  test('nothing is found where every message has its one row', () => {
    expect(compareCounts('1:1', 10, { rows: 10, distinct: 10 })).toBeUndefined();
    expect(compareCounts('1:1', 0, { rows: 0, distinct: 0 })).toBeUndefined();
  });

  test('one missing and one doubled do not cancel each other', () => {
    expect(compareCounts('1:1', 10, { rows: 10, distinct: 9 })).toMatchObject({
      missing: 1,
      doubled: 1,
      foreign: 0,
    });
  });

  test('whatever was lost, doubled or made up is counted as exactly that', () => {
    const spoiled = fc.record({
      messages: fc.integer({ min: 0, max: 50 }),
      lost: fc.integer({ min: 0, max: 50 }),
      copies: fc.integer({ min: 0, max: 50 }),
    });
    fc.assert(
      fc.property(spoiled, ({ messages, lost, copies }) => {
        const gone = Math.min(lost, messages);
        const left = messages - gone;
        const doubled = left === 0 ? 0 : copies;
        const finding = compareCounts('1:1', messages, { rows: left + doubled, distinct: left });
        expect(finding ?? { missing: 0, doubled: 0, foreign: 0 }).toMatchObject({
          missing: gone,
          doubled,
          foreign: 0,
        });
      }),
    );
  });

  test('rows at positions that Pulsar does not have are foreign', () => {
    const { findings, suspects } = compareEntries([of(1, 5)], [standing(1, 5), standing(2, 3)], first);
    expect(findings).toMatchObject([{ where: '1:2', expected: 0, foreign: 3 }]);
    expect(suspects).toEqual([]);
  });

  test('what is gone rightly is counted apart and is no fault; what is too much there is one', () => {
    const [expired, excluded] = [of(1, 5, 'expired'), of(2, 5, 'excluded')];
    const rows = [0, 1, 2, 2];
    const found = { position: entry(2), rows: 4, distinct: 3, indexHash: hashOfIndexes(rows) };
    const { findings, suspects } = compareEntries([expired, excluded, of(3, 5)], [found], first);
    const list = new FindingList();
    list.add([...findings, ...compareSuspects(suspects, new Map([['1:2', rows]]))]);
    expect(list).toMatchObject({ missing: 5, expired: 5, excluded: 2, doubled: 1, foreign: 0, count: 2 });
    expect(list.first.map(({ where }) => where)).toEqual(['1:3', '1:2']);
  });

  test('sums go on where the list of findings ends', () => {
    const list = new FindingList(2);
    const finding = {
      ...{ where: '1:1', expected: 1, rows: 0 },
      ...{ missing: 1, expired: 0, excluded: 0, doubled: 0, foreign: 0 },
    };
    list.add([finding, finding, finding]);
    expect(list).toMatchObject({ missing: 3, count: 3 });
    expect(list.first).toHaveLength(2);
  });
});
