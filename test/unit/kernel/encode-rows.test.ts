import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reading } from '../../../examples/iot/readings.ts';
import { encodeRows, ROW, SKIPPED, UNUSUAL } from '../../../lib/kernel/encode-rows.ts';
import type { RowTables } from '../../../lib/kernel/field-kinds.ts';
import { kernel } from '../../../lib/kernel/kernel.ts';
import { entryOf } from '../../support/entry-of.ts';

const POSITION_BYTES = 20;

function tablesOf(fields: RowTables['fields']): RowTables {
  return { fields, withPublishTime: false };
}

function encoded(
  tables: RowTables,
  payloads: readonly (string | Uint8Array | undefined)[],
  leaveOut?: Uint8Array,
) {
  const bytes = payloads.map((payload) => (payload === undefined ? undefined : Buffer.from(payload)));
  const position = { ledger: 2 ** 40 + 1, entry: 7, publishTime: 1_764_000_000_000 };
  const rows = encodeRows(kernel(), tables, entryOf(position, bytes, 1), position, leaveOut);
  if (rows === undefined) throw new Error('the kernel did not take it');
  return { bytes: Buffer.from(rows.bytes), rows: rows.rows, verdicts: [...rows.verdicts] };
}

const x = (kind: 'float64' | 'int64' | 'uint8' | 'text' | 'date') =>
  tablesOf([{ name: 'x', kind, isNullable: false }]);

describe('rows that the kernel makes', () => {
  it('begin with their position, and have a default for what is missing or null', () => {
    const tables = tablesOf([
      { name: 'n', kind: 'int16', isNullable: false },
      { name: 't', kind: 'tuple', elements: [{ name: 'b', kind: 'bool', isNullable: false }] },
      { name: 's', kind: 'text', isNullable: false },
      { name: 'm', kind: 'uint32', isNullable: true },
    ]);
    const { bytes, rows, verdicts } = encoded(tables, [
      '{}',
      ' {"n":null,"t":{},"other":[{"n":1}]} ',
      '{"m":258,"s":"\\u00e9\\n","t":{"b":true,"n":9},"n":-2}',
    ]);
    expect({ rows, verdicts }).toEqual({ rows: 3, verdicts: [ROW, ROW, ROW] });
    const head = (index: number) => `0100000000010000${'0700000000000000'}0${index}000000`;
    expect(bytes.toString('hex')).toBe(
      `${head(0)}0000000001${head(1)}0000000001${head(2)}feff0103c3a90a0002010000`,
    );
  });

  it('are of every message of the reference workload', () => {
    const now = Date.UTC(2026, 0, 5);
    const payloads = Array.from({ length: 500 }, (_, index) => Buffer.from(reading(index, now)));
    const tables = tablesOf([
      { name: 'timestamp', kind: 'int64', isNullable: false },
      { name: 'temperature', kind: 'float64', isNullable: false },
    ]);
    const { bytes, rows } = encoded(tables, payloads);
    expect(rows).toBe(500);
    for (const [index, payload] of payloads.entries()) {
      const message = JSON.parse(payload.toString('utf8')) as { timestamp: number; temperature: number };
      const at = index * (POSITION_BYTES + 16) + POSITION_BYTES;
      expect(bytes.readBigInt64LE(at)).toBe(BigInt(message.timestamp));
      expect(bytes.readDoubleLE(at + 8)).toBe(message.temperature);
    }
  });

  it('are not of what is skipped, has no value, or claims a position', () => {
    const payloads = [
      '{"x":1}',
      '{"x":1}',
      undefined,
      '{"_ledger":1}',
      '{"_publish_time":1}',
      '{"x":1,"x":1}',
    ];
    const { rows, verdicts } = encoded(x('int64'), payloads, Uint8Array.of(0, 1, 0, 0, 0, 0));
    expect(verdicts).toEqual([ROW, SKIPPED, UNUSUAL, UNUSUAL, UNUSUAL, UNUSUAL]);
    expect(rows).toBe(1);
  });

  it('hold the Float64 that is nearest to the number, or the message is unusual', () => {
    let made = 0;
    const number = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
      fc
        .tuple(fc.bigInt({ min: 0n, max: 10n ** 17n }), fc.integer({ min: -25, max: 25 }))
        .map(([a, b]) => `${a}e${b}`),
      fc.tuple(fc.nat(), fc.nat()).map(([a, b]) => `-${a}.${b}`),
      // Half way between two of them, and one beside it.
      fc
        .tuple(fc.bigInt({ min: 2n ** 53n, max: 2n ** 54n }), fc.constantFrom('', '.0', '.1', 'e1', 'e-1'))
        .map(([a, b]) => `${2n * a + 1n}${b}`),
      fc.double({ min: 1e-60, max: 1e60, noNaN: true }).map((value) => value.toPrecision(17)),
    );
    fc.assert(
      fc.property(fc.array(number, { minLength: 10, maxLength: 100 }), (numbers) => {
        const { bytes, verdicts } = encoded(
          x('float64'),
          numbers.map((each) => `{"x":${each}}`),
        );
        const rows = numbers.filter((_, index) => verdicts[index] === ROW);
        for (const [row, each] of rows.entries())
          expect(bytes.readDoubleLE(row * (POSITION_BYTES + 8) + POSITION_BYTES)).toBe(Number(each));
        made += rows.length;
      }),
    );
    expect(made).toBeGreaterThan(200);
  });

  it.each([
    [
      'int64',
      ['9223372036854775807', '-9223372036854775808', '0', '-1', '"1"'],
      [
        '9223372036854775808',
        '-0',
        '1.0',
        '1e2',
        '"1.0"',
        'true',
        '-9223372036854775809',
        '99999999999999999999',
      ],
    ],
    ['uint8', ['0', '255'], ['256', '-1', '1.5', '[1]', '{}']],
    [
      'date',
      ['"1970-01-01"', '"2024-02-29"', '"2148-12-31"'],
      [
        '"2026-02-29"',
        '"2026-13-01"',
        '"2026-1-05"',
        '"1969-12-31"',
        '"2149-01-01"',
        '1',
        '"2026-01-05 "',
        '"2100-02-29"',
      ],
    ],
    ['text', ['""', '"\\u20ac"', '"it\'s"'], ['1', '"\\ud83d\\ude00"', 'true', '{}', '["a"]']],
  ] as const)(
    'of %s take what is written as usual and leave the rest to the server',
    (kind, usual, unusual) => {
      for (const value of usual) expect(encoded(x(kind), [`{"x":${value}}`]).verdicts, value).toEqual([ROW]);
      for (const value of unusual)
        expect(encoded(x(kind), [`{"x":${value}}`]).verdicts, value).toEqual([UNUSUAL]);
    },
  );

  it('have the days of the calendar', () => {
    const day = 24 * 60 * 60 * 1000;
    const days = Array.from({ length: 65_379 }, (_, number) =>
      new Date(number * day).toISOString().slice(0, 10),
    );
    const { bytes, rows } = encoded(
      x('date'),
      days.map((date) => `{"x":"${date}"}`),
    );
    expect(rows).toBe(days.length);
    for (let row = 0; row < rows; row++)
      if (bytes.readUInt16LE(row * (POSITION_BYTES + 2) + POSITION_BYTES) !== row) throw new Error(days[row]);
  });

  it('are the same by the tables of one mapping after those of another', () => {
    const payloads = ['{"x":1,"y":2}', '{"y":2,"x":1}'];
    const tables = x('int64');
    const once = encoded(tables, payloads);
    encoded(tablesOf([{ name: 'y', kind: 'text', isNullable: true }]), payloads);
    expect(encoded(tables, payloads)).toEqual(once);
  });
});
