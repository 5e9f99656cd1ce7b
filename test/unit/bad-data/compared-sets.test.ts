import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FirstIndexes, hashOfIndexes } from '../../../lib/pipeline/index-hash.ts';
import { compareEntries, compareSuspects } from '../../../lib/replay/comparison/findings.ts';

const position = { ledger: 1, entry: 1 };
const first = new FirstIndexes();

/** What a comparison says of an entry of `count` messages, `letters` of them dead letters, whose rows have these indexes. */
function compared(count: number, letters: readonly number[], rows: readonly number[]) {
  const expected = [{ position, indexes: { count, without: new Set(letters) } }];
  const counts = { rows: rows.length, distinct: new Set(rows).size, indexHash: hashOfIndexes(rows) };
  const found = rows.length === 0 ? [] : [{ position, ...counts }];
  const { findings, suspects } = compareEntries(expected, found, first);
  const all = [...findings, ...compareSuspects(suspects, new Map([['1:1', rows]]))];
  return all.length === 0 ? undefined : all;
}

const indexes = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

describe('an audit compares sets of rows, not their sizes', () => {
  test('a row of a message that does not exist does not stand for one that is missing', () => {
    const rows = [...indexes(0, 999), 5_000];
    expect(compared(1_000, [], rows)).toMatchObject([{ missing: 1, foreign: 1, doubled: 0, rows: 1_000 }]);
  });

  test('a dead letter that has a row does not stand for its neighbour that has none', () => {
    expect(compared(10, [3], [0, 1, 2, 3, 4, 5, 6, 7, 8])).toMatchObject([{ missing: 1, foreign: 1 }]);
    // Sums and sums of squares of these two sets are the same.
    expect(compared(7, [1, 2, 6], [1, 2, 6, 3])).toMatchObject([{ missing: 3, foreign: 3 }]);
    expect(compared(7, [1, 2, 6], [0, 3, 4, 5])).toBeUndefined();
  });

  test('every other set is found, with exactly what is missing, doubled and foreign; the right one never is', () => {
    const entry = fc.record({
      count: fc.integer({ min: 1, max: 40 }),
      letters: fc.uniqueArray(fc.integer({ min: 0, max: 39 })),
      rows: fc.array(fc.integer({ min: 0, max: 45 }), { maxLength: 45 }),
    });
    fc.assert(
      fc.property(entry, ({ count, letters, rows }) => {
        const known = letters.filter((index) => index < count);
        const right = indexes(0, count).filter((index) => !known.includes(index));
        expect(compared(count, known, right)).toBeUndefined();
        const standing = new Set(rows);
        const missing = right.filter((index) => !standing.has(index)).length;
        const foreign = standing.size - (right.length - missing);
        const doubled = rows.length - standing.size;
        const found = compared(count, known, rows);
        if (missing + foreign + doubled === 0) expect(found).toBeUndefined();
        else expect(found).toMatchObject([{ missing, foreign, doubled, rows: rows.length }]);
      }),
      { numRuns: 2_000 },
    );
  });

  test('a wrong set of the right size is found', () => {
    const swapped = fc.record({
      count: fc.integer({ min: 2, max: 2_000 }),
      swaps: fc.integer({ min: 1, max: 20 }),
      beyond: fc.integer({ min: 0, max: 1_000_000 }),
    });
    fc.assert(
      fc.property(swapped, ({ count, swaps, beyond }) => {
        const gone = Math.min(swaps, count);
        const rows = [...indexes(gone, count), ...indexes(count + beyond, count + beyond + gone)];
        expect(compared(count, [], rows)).toMatchObject([{ missing: gone, foreign: gone }]);
      }),
    );
  });
});
