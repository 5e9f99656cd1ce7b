import fc from 'fast-check';
import { expect } from 'vitest';
import { VERDICT } from '../../../lib/clickhouse/encode/row-encoder.ts';
import { rowFormatOf } from '../../../lib/clickhouse/row-format.ts';
import { entryOf } from '../../support/entry-of.ts';
import { type SinkTable, test } from './sink-table.ts';
import { binarySink, jsonSink, send } from './two-formats.ts';

const FIELDS = {
  day: 'Date',
  value: 'Int64',
  text: 'String',
  word: 'LowCardinality(String)',
  maybe: 'Nullable(String)',
  low: 'LowCardinality(Nullable(String))',
  tiny: 'Int8',
  small: 'UInt16',
  whole: 'Nullable(Int32)',
  large: 'UInt64',
  real: 'Float64',
  half: 'Float32',
  rare: 'Nullable(Float64)',
  ok: 'Bool',
  perhaps: 'Nullable(Bool)',
  born: 'Nullable(Date)',
  place: 'Tuple(latitude Float64, longitude Float64, `ölü` Int32)',
  thing: 'Tuple(name String, inner Tuple(a Nullable(Int64), b Bool), n UInt8)',
} as const;

const mapping = { window: 1000, also: columnsOf(), fields: FIELDS, columns: columnsAsFields() };

function columnsOf(): string[] {
  const others = Object.entries(FIELDS).filter(([name]) => name !== 'day' && name !== 'value');
  return others.map(([name, type]) => `${name} ${type}`);
}

function columnsAsFields(): Record<string, string> {
  return Object.fromEntries(Object.keys(FIELDS).map((name) => [name, name]));
}

const text = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.constantFrom('', '\u0000', '"\\/\b\f\n\r\t', 'é', '\ud83d\ude00', '2026-01-05', '12', 'null', 'true'),
);
const escapes = fc.constantFrom(
  '"\\ud83d"',
  '"\\ud83d\\ude00"',
  '"\\u00e9\\u20ac\\/"',
  '"\\uDC00x"',
  '"\\u0000"',
);
const number = fc.oneof(
  fc.integer().map(String),
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 65n }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.tuple(fc.integer({ min: -99_999, max: 99_999 }), fc.nat({ max: 999_999 })).map(([a, b]) => `${a}.${b}`),
  fc
    .tuple(fc.bigInt({ min: 0n, max: 10n ** 20n }), fc.integer({ min: -30, max: 30 }))
    .map(([a, b]) => `${a}e${b}`),
  fc.constantFrom(
    '0',
    '-0',
    '-0.0',
    '0.0',
    '0e0',
    '-1',
    '127',
    '128',
    '-128',
    '-129',
    '255',
    '256',
    '65535',
    '65536',
  ),
  fc.constantFrom('1.0', '1E2', '9007199254740993', '9223372036854775807', '-9223372036854775808', '1e400'),
  fc.constantFrom(
    '9223372036854775808',
    '18446744073709551615',
    '18446744073709551616',
    '4.9e-324',
    '1e-400',
  ),
  fc.constantFrom(
    '3.4028235e38',
    '16777217',
    '0.1',
    '1e22',
    '1e23',
    '123456789012345678901234567890',
    '8.5e-46',
  ),
);
const date = fc
  .oneof(
    fc
      .date({ min: new Date('1960-01-01'), max: new Date('2160-01-01'), noInvalidDate: true })
      .map((at) => at.toISOString().slice(0, 10)),
    fc.constantFrom(
      '2026-02-29',
      '2024-02-29',
      '2100-02-29',
      '2000-02-29',
      '1969-12-31',
      '2149-06-06',
      '2149-06-07',
      '2026-1-5',
      '2026/01/05',
      '2026-01-05 ',
      '2026-01-05T00:00:00',
    ),
  )
  .map((day) => `"${day}"`);
const scalar = fc.oneof(
  { weight: 3, arbitrary: text.map((value) => JSON.stringify(value)) },
  escapes,
  { weight: 4, arbitrary: number },
  date,
  fc.constantFrom('null', 'true', 'false', '[]', '{}', '[1,2]'),
);

/** Mostly what a field of the type takes. */
function valueFor(type: string): fc.Arbitrary<string> {
  const fitting = (): fc.Arbitrary<string> => {
    if (/String/.test(type) && !type.startsWith('Tuple')) return text.map((value) => JSON.stringify(value));
    if (/Date/.test(type)) return date;
    if (/Bool/.test(type)) return fc.constantFrom('true', 'false');
    if (type === FIELDS.place) return objectOf({ latitude: 'Float64', longitude: 'Float64', ölü: 'Int32' });
    if (type.startsWith('Tuple(a')) return objectOf({ a: 'Nullable(Int64)', b: 'Bool' });
    if (type.startsWith('Tuple')) return objectOf({ name: 'String', inner: 'Tuple(a', n: 'UInt8' });
    return number;
  };
  return fc.oneof(
    { weight: 12, arbitrary: fitting() },
    { weight: 1, arbitrary: scalar },
    fc.constant('null'),
  );
}

const space = fc.constantFrom('', '', '', '', ' ', '\n', '\t ');
const unknown = fc.tuple(
  fc
    .oneof(text, fc.constantFrom('_ledger', '_index', '_publish_time', 'DAY', 'real ', 'a.b'))
    .map((key) => JSON.stringify(key)),
  fc.oneof(scalar, fc.json({ maxDepth: 3 })),
);

function objectOf(fields: Readonly<Record<string, string>>): fc.Arbitrary<string> {
  const known = Object.entries(fields).map(([name, type]) =>
    valueFor(type).map((value) => [JSON.stringify(name), value] as const),
  );
  const members = fc
    .tuple(
      fc.shuffledSubarray(known, { minLength: Math.min(1, known.length) }),
      fc.array(unknown, { maxLength: 1 }),
      fc.nat(),
    )
    .chain(([some, others, at]) =>
      fc.tuple(...some).map((pairs) => {
        const all: (readonly [string, string])[] = [...pairs];
        if (at % 4 === 0) all.splice(at % (all.length + 1), 0, ...others);
        return all;
      }),
    );
  return fc
    .tuple(members, space, space)
    .map(
      ([pairs, before, after]) =>
        `{${pairs.map(([key, value]) => `${before}${key}${after}:${before}${value}`).join(`${after},`)}${after}}`,
    );
}

/** One byte of it another one. */
const damaged = fc
  .tuple(objectOf(FIELDS), fc.nat(), fc.constantFrom(...'{}[]":,\\0e.-+ u"n'))
  .map(([json, at, byte]) => {
    const place = at % json.length;
    return `${json.slice(0, place)}${byte}${json.slice(place + 1)}`;
  });

const payload = fc.oneof({ weight: 12, arbitrary: objectOf(FIELDS) }, { weight: 1, arbitrary: damaged });

function rowsOf({ name, query }: SinkTable, ledger: number): Promise<string> {
  const shown = Object.entries(FIELDS).map(([field, type]) =>
    /^(?:Nullable\()?Float/.test(type)
      ? `hex(reinterpretAsString(assumeNotNull(${field}))), isNull(${field})`
      : field,
  );
  return query(
    `SELECT _index, cityHash64(${Object.keys(FIELDS).join(', ')}), ${shown.join(', ')} FROM ${name} WHERE _ledger = ${ledger} ORDER BY _index FORMAT TSV`,
  );
}

test('what the kernel makes rows of is what the server reads as JSON, bit by bit', async ({ openTable }) => {
  const [one, other] = [await openTable(mapping), await openTable(mapping)];
  const format = rowFormatOf(one.mapping);
  if (format.name !== 'RowBinary') throw new Error(format.reason);
  const binary = binarySink(one, { format });
  const json = jsonSink(other);
  let ledger = 0;
  let made = 0;
  let tried = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(payload, { minLength: 200, maxLength: 200 }), async (payloads) => {
      ledger += 1;
      const entry = entryOf(
        { ledger, entry: 0 },
        payloads.map((each) => Buffer.from(each)),
        1,
      );
      const verdicts = format.encoder.encode(entry, undefined).verdicts.slice();
      const isLeftOut = (_: unknown, index: number): boolean => verdicts[index] !== VERDICT.row;
      for (const [table, sink] of [
        [one, binary],
        [other, json],
      ] as const) {
        const body = sink.newBody(0);
        body.add(entry, isLeftOut);
        expect(body.bad).toEqual([]);
        expect(await send(table, sink, body)).toEqual({ kind: 'stored' });
      }
      const [stored, expected] = [await rowsOf(one, ledger), await rowsOf(other, ledger)];
      if (stored !== expected) {
        const lines = expected.split('\n');
        const at = stored.split('\n').findIndex((line, row) => line !== lines[row]);
        const index = Number(lines[at]?.split('\t')[0]);
        expect({ payload: payloads[index], row: stored.split('\n')[at] }).toEqual({ row: lines[at] });
      }
      tried += payloads.length;
      made += verdicts.filter((verdict) => verdict === VERDICT.row).length;
    }),
    { numRuns: 40, endOnFailure: true },
  );
  expect(made).toBeGreaterThan(tried / 20);
});
