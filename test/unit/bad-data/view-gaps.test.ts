import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { comparePositions, isAfter } from '../../../lib/pipeline/position.ts';
import { addViewGap, type ViewGap, withoutView } from '../../../lib/pipeline/view-gaps.ts';

const at = (entry: number) => ({ ledger: 1, entry });
const gap = (after: number, to: number, change: Partial<ViewGap> = {}): ViewGap => ({
  ...{ after: at(after), to: at(to), rows: to - after, views: ['d.v'], answered: true, since: after },
  ...change,
});
const noted = (...gaps: readonly ViewGap[]) => gaps.reduce<readonly ViewGap[]>(addViewGap, []);

describe('what views of the table lack', () => {
  test('is one gap while batch after batch fails, in whatever order they end', () => {
    expect(noted(gap(0, 10), gap(20, 30), gap(10, 20))).toEqual([{ ...gap(0, 30), since: 0 }]);
  });

  test('is kept apart where views or certainty differ, or batches between them went well', () => {
    const apart = [
      gap(0, 10),
      gap(10, 20, { views: ['d.w'] }),
      gap(20, 30, { answered: false }),
      gap(40, 50),
    ];
    expect(noted(...apart)).toEqual(apart);
  });

  test('is noted once, though a batch is settled twice', () => {
    const once = noted(gap(0, 10), gap(10, 20));
    expect(noted(...once, gap(10, 20), gap(0, 10))).toEqual(once);
  });

  test('is forgotten view by view as each is filled', () => {
    const both = gap(0, 10, { views: ['d.v', 'd.w'] });
    const left = withoutView([both, gap(20, 30)], both, 'd.v');
    expect(left).toEqual([{ ...both, views: ['d.w'] }, gap(20, 30)]);
    expect(withoutView(left, both, 'd.w')).toEqual([gap(20, 30)]);
  });

  test('stays small and covers every batch noted, however many lie apart', () => {
    const starts = fc.uniqueArray(fc.integer({ min: 0, max: 500 }), { maxLength: 200 });
    fc.assert(
      fc.property(starts, (list) => {
        const batches = list.map((start) => gap(10 * start, 10 * start + 9));
        const gaps = noted(...batches);
        expect(gaps.length).toBeLessThanOrEqual(30);
        expect(gaps.reduce((sum, { rows }) => sum + rows, 0)).toBe(9 * list.length);
        expect(gaps).toEqual(gaps.toSorted((a, b) => comparePositions(a.after, b.after)));
        for (const { after, to } of batches) {
          expect(gaps.some((each) => !isAfter(each.after, after) && !isAfter(to, each.to))).toBe(true);
        }
      }),
    );
  });
});
