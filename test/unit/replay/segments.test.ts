import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { without } from '../../../lib/replay/comparison/segments.ts';

const segment = fc
  .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 40 }))
  .map(([a, b]) => ({ after: at(Math.min(a, b)), to: at(Math.max(a, b)) }));

function at(entry: number) {
  return { ledger: 1, entry };
}

function entriesOf({ after, to }: { after: { entry: number }; to: { entry: number } }): number[] {
  return Array.from({ length: to.entry - after.entry }, (_, index) => after.entry + index + 1);
}

describe('segments without holes', () => {
  test('hold every entry that no hole holds, once and in order', () => {
    fc.assert(
      fc.property(segment, fc.array(segment, { maxLength: 5 }), (whole, holes) => {
        const gone = new Set(holes.flatMap(entriesOf));
        expect(without(whole, holes).flatMap(entriesOf)).toEqual(
          entriesOf(whole).filter((number) => !gone.has(number)),
        );
      }),
    );
  });
});
