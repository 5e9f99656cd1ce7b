import { expect, test } from 'vitest';
import {
  MissingSegments,
  MOST_SEGMENTS,
  mergedTo,
  worthReading,
} from '../../../lib/replay/comparison/missing-segments.ts';

const at = (entry: number) => ({ ledger: 7, entry });

/** Entries 0 to `entries - 1`, of which those named lack rows; answers the segments as `[first, last]`. */
function segmentsOf(entries: number, missing: readonly number[]): (readonly [number, number])[] {
  const segments = new MissingSegments();
  for (let entry = 0; entry < entries; entry += 1) {
    segments.add({ after: at(entry - 1), to: at(entry) }, missing.includes(entry));
  }
  return segments.found.map(({ after, to }) => [after.entry + 1, to.entry]);
}

test('neighbours are one segment, what lies apart is another, and nothing else is in either', () => {
  expect(segmentsOf(100, [])).toEqual([]);
  expect(segmentsOf(100, [0, 1, 2, 50, 98, 99])).toEqual([
    [0, 2],
    [50, 50],
    [98, 99],
  ]);
});

test('beyond the bound the closest are merged: all that is missing stays within, at the smallest price', () => {
  const far = Array.from({ length: MOST_SEGMENTS }, (_, index) => index * 1_000);
  const segments = segmentsOf(20_000, [...far, 5_003, 5_010]);
  expect(segments).toHaveLength(MOST_SEGMENTS);
  expect(segments).toContainEqual([5_000, 5_010]);
  expect(segments).toContainEqual([6_000, 6_000]);
});

test('entries passed over in one go count as what lies between', () => {
  const segments = new MissingSegments();
  segments.add({ after: at(-1), to: at(0) }, true);
  segments.pass(40);
  segments.add({ after: at(40), to: at(41) }, true);
  segments.pass(3);
  segments.add({ after: at(44), to: at(45) }, true);
  expect(segments.found.map(({ gap }) => gap)).toEqual([0, 40, 3]);
  expect(mergedTo(2, segments.found)).toEqual([
    { after: at(-1), to: at(0), entries: 1, gap: 0 },
    { after: at(40), to: at(45), entries: 5, gap: 40 },
  ]);
  expect(mergedTo(1, segments.found)).toEqual([{ after: at(-1), to: at(45), entries: 46, gap: 0 }]);
});

test('several stretches are read only where that spares half the reading', () => {
  const apart = { after: at(-1), to: at(9), entries: 10, gap: 0 };
  const far = { after: at(29), to: at(39), entries: 10, gap: 20 };
  const near = { after: at(28), to: at(38), entries: 10, gap: 19 };
  expect(worthReading(16, [])).toEqual([]);
  expect(worthReading(16, [apart, far])).toEqual([apart, far]);
  expect(worthReading(16, [apart, near])).toEqual([{ after: at(-1), to: at(38), entries: 39, gap: 0 }]);
});
