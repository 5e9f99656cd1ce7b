import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareCounts, compareEntries, FindingList } from '../../../lib/replay/comparison/findings.ts';

const entry = (number: number) => ({ ledger: 1, entry: number });

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
    const found = [
      { position: entry(1), rows: 5, distinct: 5 },
      { position: entry(2), rows: 3, distinct: 3 },
    ];
    expect(compareEntries([{ position: entry(1), rows: 5 }], found)).toMatchObject([
      { where: '1:2', expected: 0, foreign: 3 },
    ]);
  });

  test('what is gone rightly is counted apart and is no fault; what is too much there is one', () => {
    const expected = [
      { position: entry(1), rows: 5, absence: 'expired' as const },
      { position: entry(2), rows: 5, absence: 'excluded' as const },
      { position: entry(3), rows: 5 },
    ];
    const list = new FindingList();
    list.add(compareEntries(expected, [{ position: entry(2), rows: 4, distinct: 3 }]));
    expect(list).toMatchObject({ missing: 5, expired: 5, excluded: 2, doubled: 1, foreign: 0, count: 2 });
    expect(list.first.map(({ where }) => where)).toEqual(['1:2', '1:3']);
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
