import { describe, expect, it } from 'vitest';
import { rowFormatOf } from '../../../lib/clickhouse/row-format.ts';
import type { Mapping } from '../../../lib/clickhouse/statement.ts';

function mappingOf(fields: Readonly<Record<string, string>>, more: Partial<Mapping> = {}): Mapping {
  return {
    target: { database: 'db', table: 't' },
    source: { format: 'json', fields },
    columns: Object.fromEntries(Object.keys(fields).map((name) => [name, `\`${name}\``])),
    ...more,
  };
}

describe('the format of rows', () => {
  it('is RowBinary for types that the kernel knows, those of fixed width first', () => {
    expect(
      rowFormatOf(
        mappingOf({ a: 'String', b: 'Tuple(x Int8, y Float32)', c: 'Nullable(Date)', d: 'UInt64' }),
      ),
    ).toMatchObject({
      name: 'RowBinary',
      structure:
        '`_ledger` Int64, `_entry` Int64, `_index` UInt32, `b` Tuple(x Int8, y Float32), `d` UInt64, `a` String, `c` Nullable(Date)',
    });
  });

  it('has the publish time where an expression asks for it', () => {
    const mapping = mappingOf({ a: 'Int64' }, { columns: { at: '_publish_time' } });
    expect(rowFormatOf(mapping)).toMatchObject({
      structure: '`_ledger` Int64, `_entry` Int64, `_index` UInt32, `_publish_time` Int64, `a` Int64',
    });
  });

  it.each([
    'JSON',
    'Dynamic',
    'Tuple(Int64, String)',
    'Nullable(Tuple(a Int64))',
    'Array(Tuple(a Int64))',
    "Tuple(a Enum8('x' = 1))",
    'Map(Int64, String)',
    "Enum8('a', 'b')",
    "Enum8('it\\'s' = 1)",
    'Decimal(39, 2)',
    'Decimal(76)',
    'DateTime64(10)',
    'FixedString(300)',
    'Int128',
    'BFloat16',
    'Time',
    'int',
    '',
  ])('is JSON for a field of type %s', (type) => {
    const format = rowFormatOf(mappingOf({ a: 'Int64', b: type }));
    expect(format).toEqual({
      name: 'JSONEachRow',
      reason: `field b (${type}) is read by ClickHouse alone`,
    });
  });

  it('is JSON where a field may also be read from within another', () => {
    expect(rowFormatOf(mappingOf({ 'a.b': 'Int64' })).name).toBe('JSONEachRow');
    expect(rowFormatOf(mappingOf({ a: 'Tuple(`b.c` Int64)' })).name).toBe('JSONEachRow');
  });

  it.each(['concat(*)', "COLUMNS('a.*')", '* EXCEPT b', 'tuple(a, *)'])(
    'is JSON where an expression depends on the order of the fields: %s',
    (expression) => {
      const format = rowFormatOf(mappingOf({ a: 'Int64' }, { columns: { x: expression } }));
      expect(format).toMatchObject({
        name: 'JSONEachRow',
        reason: 'column x depends on the order of the fields',
      });
    },
  );

  it('is JSON where the condition depends on the order of the fields', () => {
    const format = rowFormatOf(mappingOf({ a: 'Int64' }, { where: 'ignore(*) = 0' }));
    expect(format).toMatchObject({ reason: 'where depends on the order of the fields' });
    expect(rowFormatOf(mappingOf({ a: 'Int64' }, { where: 'a * 2 > 0' })).name).toBe('RowBinary');
  });

  it.each(['a * 2', "concat(a, '(*)')", '(a) * (a)'])('is RowBinary for %s', (expression) => {
    expect(rowFormatOf(mappingOf({ a: 'Int64' }, { columns: { x: expression } })).name).toBe('RowBinary');
  });

  const withNulls = (type: string) => {
    const { source, ...mapping } = mappingOf({ a: type });
    return rowFormatOf({ ...mapping, source: { ...source, emptyStrings: 'null' } });
  };

  it('is JSON where empty strings become NULL and a text may be NULL', () => {
    expect(withNulls('LowCardinality(Nullable(String))').name).toBe('JSONEachRow');
    expect(withNulls('Tuple(b Nullable(String))').name).toBe('JSONEachRow');
    expect(withNulls('Nullable(Int64)').name).toBe('RowBinary');
    expect(withNulls('String').name).toBe('RowBinary');
  });

  it.each([
    "Enum8('' = 0, 'on' = 1)",
    "Enum16('off' = -1, '' = 300)",
    "Nullable(Enum8('' = 1))",
    "Array(Enum8('' = 0))",
    "Map(String, Nullable(Enum8('' = 0)))",
    "Tuple(b Nullable(Enum8('' = 0)))",
  ])('is JSON where empty strings become NULL and one is an element of an Enum: %s', (type) => {
    expect(withNulls(type)).toEqual({
      name: 'JSONEachRow',
      reason: `an empty string in field a (${type}) is not read as written`,
    });
    expect(rowFormatOf(mappingOf({ a: type })).name).toBe('RowBinary');
    expect(withNulls(type.replace("''", "'x'")).name).toBe('RowBinary');
  });

  it('is JSON where that is wanted', () => {
    expect(rowFormatOf(mappingOf({ a: 'Int64' }), 'JSONEachRow')).toEqual({
      name: 'JSONEachRow',
      reason: 'CLICKHOUSE_ROW_FORMAT says so',
    });
  });

  it('is JSON where there are more fields than the kernel has room for', () => {
    const many = Object.fromEntries(Array.from({ length: 600 }, (_, index) => [`field${index}`, 'Int64']));
    expect(rowFormatOf(mappingOf(many))).toMatchObject({ name: 'JSONEachRow' });
  });
});
