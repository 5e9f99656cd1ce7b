import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  BEFORE_ALL,
  comparePositions,
  formatPosition,
  isAfter,
  laterOf,
  parsePosition,
} from '../../../lib/pipeline/position.ts';

const position = fc.record({ ledger: fc.nat(), entry: fc.nat() });

test('what is formatted is parsed back', () => {
  fc.assert(
    fc.property(position, (p) => {
      expect(parsePosition(formatPosition(p))).toEqual({ ...p });
    }),
  );
});

test('positions are ordered by ledger, then by entry', () => {
  fc.assert(
    fc.property(position, position, (a, b) => {
      expect(Math.sign(comparePositions(a, b))).toBe(-Math.sign(comparePositions(b, a)) || 0);
      expect(isAfter(a, BEFORE_ALL)).toBe(true);
      expect(comparePositions(laterOf(a, b), a)).toBeGreaterThanOrEqual(0);
    }),
  );
  expect(isAfter({ ledger: 2, entry: 0 }, { ledger: 1, entry: 99 })).toBe(true);
});

test.each(['', '1', '1:', ':1', '1:2:3', 'a:b', '1:-2', '99999999999999999999:1', '1.5:2'])(
  '"%s" is refused',
  (text) => {
    expect(() => parsePosition(text)).toThrow(expect.objectContaining({ code: 'PH_POSITION_INVALID' }));
  },
);
