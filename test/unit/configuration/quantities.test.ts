import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from '../../../lib/configuration/duration.ts';
import { formatSize, parseSize } from '../../../lib/configuration/size.ts';

const notations = [
  {
    name: 'duration',
    parse: parseDuration,
    format: formatDuration,
    units: { ms: 1, s: 1e3, m: 6e4, min: 6e4, h: 3.6e6, d: 8.64e7 },
  },
  {
    name: 'size',
    parse: parseSize,
    format: formatSize,
    units: { B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 },
  },
];

describe.each(notations)('$name', ({ parse, format, units }) => {
  const unit = fc.constantFrom(...Object.entries(units));
  const blank = fc.constantFrom('', ' ', '  ');

  it('is its number times its unit, however it is spaced', () => {
    fc.assert(
      fc.property(fc.nat(100_000), unit, blank, blank, (number, [name, factor], before, between) => {
        expect(parse(`${before}${number}${between}${name}`)).toBe(number * factor);
      }),
    );
  });

  it('takes fractions, rounded to whole ones of the smallest unit', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.nat(999), unit, (whole, thousandths, [name, factor]) => {
        const text = `${whole}.${String(thousandths).padStart(3, '0')}`;
        expect(parse(`${text}${name}`)).toBe(Math.round(Number(text) * factor));
      }),
    );
  });

  it('reads back what it formats', () => {
    fc.assert(
      fc.property(fc.nat(Number.MAX_SAFE_INTEGER), (value) => {
        expect(parse(format(value))).toBe(value);
      }),
    );
  });

  it('knows nothing but numbers with a unit', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const value = parse(text);
        const looksRight = /^\s*\d+(\.\d+)?\s*[A-Za-z]+\s*$/.test(text);
        expect(value === undefined || looksRight).toBe(true);
      }),
    );
  });

  it.each([
    '',
    '5',
    '-5 s',
    '-1 B',
    '1e3 s',
    '5 S',
    '5 mib',
    '.5 s',
    '5.s',
    '1 s 2 s',
    '0x10 B',
    '9'.repeat(40),
  ])('refuses %j', (text) => {
    expect(parse(text)).toBeUndefined();
  });
});

describe('formats for people', () => {
  it.each([
    [0, '0 s'],
    [1, '1 ms'],
    [1_500, '1500 ms'],
    [90_000, '90 s'],
    [3_600_000, '1 h'],
    [1_209_600_000, '14 d'],
  ])('%d ms as %s', (value, text) => {
    expect(formatDuration(value)).toBe(text);
  });

  it.each([
    [0, '0 B'],
    [1_000, '1000 B'],
    [96 * 2 ** 20, '96 MiB'],
    [2 ** 30, '1 GiB'],
  ])('%d bytes as %s', (value, text) => {
    expect(formatSize(value)).toBe(text);
  });
});
