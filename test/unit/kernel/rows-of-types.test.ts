import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planRows, type RowPlan } from '../../../lib/clickhouse/encode/row-plan.ts';
import { encodeRows, ROW, UNUSUAL } from '../../../lib/kernel/encode-rows.ts';
import { kernel } from '../../../lib/kernel/kernel.ts';
import { entryOf } from '../../support/entry-of.ts';
import { rowValue } from './reference-rows.ts';
import { writtenValue } from './written-values.ts';

const POSITION_BYTES = 20;
const POSITION = { ledger: 3, entry: 4, publishTime: 5 };

function planOf(fields: Readonly<Record<string, string>>): RowPlan {
  const plan = planRows(fields, { withPublishTime: false });
  if ('reason' in plan) throw new Error(plan.reason);
  return plan;
}

function encoded({ tables }: RowPlan, payloads: readonly string[]) {
  const entry = entryOf(
    POSITION,
    payloads.map((payload) => Buffer.from(payload)),
    1,
  );
  const rows = encodeRows(kernel(), tables, entry, POSITION);
  if (rows === undefined) throw new Error('the kernel did not take it');
  return { bytes: Buffer.from(rows.bytes), verdicts: [...rows.verdicts] };
}

const TYPES = [
  'UInt8',
  'Int64',
  'UInt64',
  'Float64',
  'Bool',
  'String',
  'FixedString(7)',
  'Date',
  'Date32',
  'DateTime',
  "DateTime('UTC')",
  'DateTime64(3)',
  "DateTime64(6, 'UTC')",
  'DateTime64(9)',
  'UUID',
  'IPv4',
  'IPv6',
  "Enum8('a' = 1, 'b c' = -3, '' = 0, 'ü' = 127)",
  "Enum16('one' = 1000, 'two' = -2)",
  'Decimal(9, 2)',
  'Decimal(18, 0)',
  'Decimal(18, 18)',
  'Decimal(38, 10)',
  'Decimal(5)',
] as const;

/** And these within others. */
const ALL = [
  ...TYPES,
  ...TYPES.map((type) => `Nullable(${type})`),
  ...TYPES.map((type) => `Array(${type})`),
  ...TYPES.map((type) => `Array(Nullable(${type}))`),
  'LowCardinality(Nullable(String))',
  'Array(Array(Int32))',
  'Array(LowCardinality(String))',
  'Map(String, Int64)',
  'Map(String, Nullable(Decimal(38, 2)))',
  'Map(LowCardinality(String), Array(String))',
  'Array(Map(String, UUID))',
];

describe('a value that the kernel takes is in its row as RowBinary has it', () => {
  it.each(ALL)('%s', (type) => {
    const plan = planOf({ x: type, behind: 'String' });
    const isInFront = plan.structure.indexOf('`x`') < plan.structure.indexOf('`behind`');
    const behind = rowValue('String', 'end');
    fc.assert(
      fc.property(fc.array(writtenValue(type), { minLength: 1, maxLength: 20 }), (values) => {
        const payloads = values.map(({ json }) => `{"x":${json},"behind":"end"}`);
        const { bytes, verdicts } = encoded(plan, payloads);
        const refused = payloads.filter((_, index) => verdicts[index] !== ROW);
        expect(refused).toEqual([]);
        let at = 0;
        for (const { value, json } of values) {
          at += POSITION_BYTES;
          const parts = [rowValue(type, value), behind];
          const row = Buffer.concat(isInFront ? parts : parts.toReversed());
          expect(bytes.subarray(at, at + row.length).toString('hex'), json).toBe(row.toString('hex'));
          at += row.length;
        }
        expect(bytes.length).toBe(at);
      }),
    );
  });

  it('in many fields at once, of which some are missing', () => {
    const fields = Object.fromEntries(ALL.map((type, index) => [`field ${index}`, type]));
    const plan = planOf(fields);
    const order = plan.tables.fields.map(({ name }) => name);
    const member = Object.entries(fields).map(([name, type]) =>
      writtenValue(type).map((written) => ({ name, ...written })),
    );
    const document = fc.shuffledSubarray(member).chain((some) => fc.tuple(...some));
    const defaults = encoded(plan, ['{}']).bytes.length;
    fc.assert(
      fc.property(document, (members) => {
        const json = `{${members.map(({ name, json }) => `${JSON.stringify(name)}:${json}`).join(',')}}`;
        const { bytes, verdicts } = encoded(plan, [json]);
        expect(verdicts).toEqual([ROW]);
        const given = new Map(members.map(({ name, value }) => [name, value]));
        let at = POSITION_BYTES;
        for (const name of order) {
          const value = given.get(name);
          const type = fields[name] as string;
          if (value === undefined) at += encoded(planOf({ x: type }), ['{}']).bytes.length - POSITION_BYTES;
          else {
            const expected = rowValue(type, value);
            expect(bytes.subarray(at, at + expected.length).toString('hex')).toBe(expected.toString('hex'));
            at += expected.length;
          }
        }
        expect(bytes.length).toBe(at);
      }),
      { numRuns: 50 },
    );
    expect(defaults).toBeGreaterThan(POSITION_BYTES);
  });

  it('in Arrays of so many elements that their number takes several bytes', () => {
    const plan = planOf({ x: 'Array(UInt8)', y: 'Array(Array(String))' });
    for (const length of [127, 128, 16_383, 16_384, 40_000]) {
      const numbers = Array.from({ length }, (_, index) => index % 250);
      const texts = numbers.map((number) => [`${number}`, '']);
      const { bytes, verdicts } = encoded(plan, [JSON.stringify({ x: numbers, y: texts })]);
      expect(verdicts).toEqual([ROW]);
      const expected = [
        rowValue('Array(UInt8)', numbers.map(BigInt)),
        rowValue('Array(Array(String))', texts),
      ];
      expect(bytes.subarray(POSITION_BYTES).equals(Buffer.concat(expected))).toBe(true);
    }
  });
});

describe('the kernel leaves to the server', () => {
  const NO_TIMES = [
    '"2026-02-30 10:00:00Z"',
    '"2026-01-05 24:00:00Z"',
    '"2026-01-05 10:60:00Z"',
    '"2026-01-05 10:00:60Z"',
  ];
  it.each([
    [
      'DateTime',
      ['"2026-01-05 10:00:00"', '"2026-01-05"', '4294967296', '-1', '1.0', '"1764000000"', ...NO_TIMES],
    ],
    ["DateTime('UTC')", ['"2106-01-05 10:00:00"', '"1969-12-31 23:59:59"', '"1970-01-01 00:00:00+01:00"']],
    ["DateTime('Europe/Zurich')", ['"2026-01-05 10:00:00"']],
    ['DateTime64(3)', ['"2026-01-05 10:00:00.123"', '-1', '1.5', '9223372036854775807', ...NO_TIMES]],
    [
      "DateTime64(3, 'UTC')",
      ['"2026-01-05 10:00:00."', '"2026-01-05 10:00:00.1234567890"', '"2262-01-05 10:00:00"'],
    ],
    ['Date32', ['"1899-12-31"', '"2300-01-01"', '"1900-02-29"', '10']],
    ['UUID', ['"00000000000000000000000000000000"', '"0000000g-0000-0000-0000-000000000000"', '""', '0']],
    [
      'UUID',
      ['"00000000-0000-0000-0000-0000000000000"', '"00000000-0000-0000-0000-00000000000"', '"{00000000-0"'],
    ],
    [
      'IPv4',
      ['"256.0.0.1"', '"1.2.3"', '"1.2.3.4.5"', '"01.2.3.4"', '"1.2.3.4 "', '""', '"1..2.3"', '16909060'],
    ],
    [
      'IPv6',
      [
        '"::1::"',
        '"1:2:3:4:5:6:7"',
        '"1:2:3:4:5:6:7:8:9"',
        '"1.2.3.4"',
        '"::1.2.3.4"',
        '"12345::"',
        '""',
        '":1"',
      ],
    ],
    ['IPv6', ['"1:2:3:4:5:6:7:"', '":::"', '"::1%lo"', '"1:2:3:4::5:6:7:8"']],
    ["Enum8('a' = 1)", ['null', '"A"', '1', '"a "', '"1"', '""']],
    ["Array(Enum8('a' = 0))", ['[null]', '["b"]', '[0]']],
    [
      'Decimal(5, 2)',
      ['1.005', '1000', '1e1', '-0', '"1.."', '"-"', '"e5"', '""', '" 1"', '-1000.00', 'true'],
    ],
    ['FixedString(3)', ['"abcd"', '"üü"', '1', 'true']],
    [
      'Int64',
      [
        '"1 "',
        '" 1"',
        '"+1"',
        '"01"',
        '"1.0"',
        '"1e0"',
        '""',
        '"-0"',
        '"1\\u0030"',
        '"12345678901234567890"',
      ],
    ],
    ['Array(Int64)', ['{}', '"[1]"', '[1.0]', '[true]', '["x"]', '[[1]]', '[{}]', '1', 'true']],
    ['Map(String, Int64)', ['[]', '[["a",1]]', '{"a":"x"}', '{"\\ud83d":1}', '""']],
    ['Array(String)', ['[1]', '["\\ud83d"]', '[true]', '[{}]', '[[]]']],
  ])('of %s: %s', (type, values) => {
    const plan = planOf({ x: type });
    for (const value of values) expect(encoded(plan, [`{"x":${value}}`]).verdicts, value).toEqual([UNUSUAL]);
  });
});
