import { describe, expect, it } from 'vitest';
import { between, follows } from '../../../../lib/pulsar/admin/skipped-entries.ts';

const position = (ledger: number, entry: number) => ({ ledger, entry });

describe('entries that a reader skipped', () => {
  const stats = {
    last: position(9, 1),
    end: position(9, 1),
    markDelete: new Map(),
    ledgers: [
      { ledger: 3, entries: 5 },
      { ledger: 4, entries: 0 },
      { ledger: 7, entries: 2 },
      { ledger: 9, entries: undefined },
    ],
  };

  it.each([
    ['none between neighbours', position(3, 1), position(3, 2), []],
    ['those of one ledger', position(3, 1), position(3, 4), [position(3, 2), position(3, 3)]],
    ['none when the next ledger begins where the last one ended', position(3, 4), position(7, 0), []],
    [
      'the end of one ledger, whole ones, and the beginning of the newest',
      position(3, 3),
      position(9, 1),
      [position(3, 4), position(7, 0), position(7, 1), position(9, 0)],
    ],
    ['nothing of a ledger that is gone', position(1, 8), position(3, 1), [position(3, 0)]],
  ])('%s', (_, seen, next, expected) => {
    expect([...between(stats, seen, next)]).toEqual(expected);
  });

  it('knows by the ids alone only that neighbours follow each other', () => {
    expect(follows(position(3, -1), position(3, 0))).toBe(true);
    expect(follows(position(3, 4), position(7, 0))).toBe(false);
    expect(follows(position(3, 1), position(3, 3))).toBe(false);
  });
});
