import { describe, expect, test } from 'vitest';
import { formatBound, parseBound } from '../../../lib/replay/replay/bound.ts';

describe('the end of a range', () => {
  test.each([
    ['12', { kind: 'checkpoint', number: 12 }],
    ['checkpoint:12', { kind: 'checkpoint', number: 12 }],
    ['34:567', { kind: 'position', position: { ledger: 34, entry: 567 } }],
    ['34:-1', { kind: 'position', position: { ledger: 34, entry: -1 } }],
    ['1700000000000', { kind: 'time', publishTime: 1_700_000_000_000 }],
    ['2026-11-22', { kind: 'time', publishTime: Date.UTC(2026, 10, 22) }],
    ['2026-11-22T17:45:00Z', { kind: 'time', publishTime: Date.UTC(2026, 10, 22, 17, 45) }],
    ['origin', { kind: 'origin' }],
    ['committed', { kind: 'committed' }],
  ])('%s is read', (text, bound) => {
    expect(parseBound(text)).toEqual(bound);
  });

  test.each(['', 'latest', '12a', '1:2:3', '2026-13-45', '-5', '1.5'])('"%s" is refused', (text) => {
    expect(() => parseBound(text)).toThrow(expect.objectContaining({ code: 'PH_RANGE_INVALID' }));
  });

  test('is shown as it could be typed, but for a checkpoint', () => {
    for (const text of ['34:567', '2026-11-22T17:45:00.000Z', 'origin']) {
      expect(formatBound(parseBound(text))).toBe(text);
    }
    expect(formatBound(parseBound('12'))).toBe('checkpoint 12');
  });
});
