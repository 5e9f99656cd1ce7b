import { describe, expect, test } from 'vitest';
import { bytes, count, duration, instant, plural } from '../../../lib/cli/format.ts';
import { createTerminal, table } from '../../../lib/cli/terminal.ts';

describe('numbers and times for people', () => {
  test.each([
    [duration(12), '12 ms'],
    [duration(-3), '0 ms'],
    [duration(1_500), '1.5 s'],
    [duration(61_000), '1 min 1 s'],
    [duration(3_720_000), '1 h 2 min'],
    [duration(90_000_000), '1 d 1 h'],
    [bytes(0), '0 B'],
    [bytes(1_536), '1.5 KiB'],
    [bytes(5 * 2 ** 30), '5.0 GiB'],
    [count(1_234_567), '1,234,567'],
    [plural(1, 'row'), '1 row'],
    [plural(0, 'row'), '0 rows'],
    [plural(2, 'entry', 'entries'), '2 entries'],
    [instant(0), '1970-01-01T00:00:00Z'],
  ])('%s', (shown, meant) => {
    expect(shown).toBe(meant);
  });

  test('columns of numbers stand to the right, and nothing trails', () => {
    const { colour } = createTerminal(true);
    expect(
      table(
        colour,
        ['name', 'rows'],
        [
          ['a', '5'],
          ['bcd', '1,000'],
        ],
      ),
    ).toBe('name   rows\na         5\nbcd   1,000');
  });
});
