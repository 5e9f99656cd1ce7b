import { describe, expect, it } from 'vitest';
import { FrameCheck } from '../../../../lib/clickhouse/encode/frame-check.ts';
import { ValueCheck } from '../../../../lib/clickhouse/encode/value-check.ts';
import type { EmptyStrings } from '../../../../lib/pipeline/pipeline.ts';

const faultOf = (type: string, payload: string, empty: EmptyStrings = 'deadLetter', field = 'x') => {
  const frame = new FrameCheck();
  const bytes = Buffer.from(`##${payload}##`);
  expect(frame.fault(bytes, 2, bytes.length - 2)).toBeUndefined();
  const check = new ValueCheck({ other: 'String', [field]: type }, empty);
  return check.concerns(frame.seen) ? check.fault(bytes, 2, bytes.length - 2) : undefined;
};

describe('values that would change silently', () => {
  it.each([
    ['Int64', '{"x":""}'],
    ['Nullable(Int64)', '{"x" : ""}'],
    ['LowCardinality(UInt8)', '{"x":""}'],
    ['SimpleAggregateFunction(sum, UInt64)', '{"x":""}'],
    ['BIGINT', '{"x":""}'],
    ['Decimal(18, 4)', '{"x":"-"}'],
    ['Nullable(Decimal64(4))', '{"x":"1.."}'],
    ['Decimal(9,2)', '{"x":"e5"}'],
    ['Time64(3)', '{"x":"-."}'],
    ['Date', '{"x":"2026-02-29"}'],
    ['Nullable(DateTime)', '{"x":"0000-00-00 00:00:00"}'],
    ["DateTime64(3, 'UTC')", '{"x":"2026-13-01T10:00:00Z"}'],
    ['DateTime', '{"x":"2026-01-05 25:61:00"}'],
    ['Array(Date32)', '{"x":["2026/00/07"]}'],
    ['Array(Int64)', '{"x":[1,""]}'],
    ['Array(Array(Nullable(Int64)))', '{"x":[[],[""]]}'],
    ['Map(String, Int64)', '{"x":{"a":1,"b":""}}'],
    ['Map(Int64, String)', '{"x":{"":"a"}}'],
    ['Tuple(a Int64, b String)', '{"x":{"b":"","a":""}}'],
    ['Tuple(String, Int64)', '{"x":["a",""]}'],
    ['Tuple(`a b` Int64)', '{"x":{"a b":""}}'],
    ['Nested(a Int64)', '{"x":[{"a":""}]}'],
    ['Nested(a Int64)', '{"x":{"a":[1,""]}}'],
    ['Variant(String, Int64)', '{"x":""}'],
    ["Enum8('a' = 1, 'b' = 2)", '{"x":null}'],
    ["Enum8('a', 'b')", '{"x":null}'],
    ["Array(Enum('a' = 1))", '{"x":[null]}'],
    ["Map(String, Enum('(' = 1))", '{"x":{"k":null}}'],
    ["Tuple(a Enum('a' = 1))", '{"x":{}}'],
    ['Int64', '{"other":{"x":[1,"}"]},"x":""}'],
    ['Int64', '{"\\u0078":""}'],
    ['Int64', '{"x":1,"x":""}'],
    ['Int64', ' { "y" : [ "]" , { } ] , "x"\t:\n"" } '],
  ])('%s: %s is refused', (type, payload) => {
    expect(faultOf(type, payload)).toMatch(/^has in "x" /);
  });

  it.each([
    ['Int64', '{"x":1,"other":""}'],
    ['Int64', '{"X":"","y":{"x":""}}'],
    ['Int64', '{"x":null}'],
    ['String', '{"x":""}'],
    ['Float64', '{"x":""}'],
    ['Decimal(9,2)', '{"x":"-1.50e+3"}'],
    ['Decimal(9,2)', '{"x":".5"}'],
    ['Date', '{"x":"2024-02-29"}'],
    ['Date', '{"x":""}'],
    ['DateTime', '{"x":"1764000000"}'],
    ['DateTime', '{"x":"2026-01-05T10:00:00.123+02:00"}'],
    ['DateTime', '{"x":"2026-01-05 24:00:00"}'],
    ['DateTime', '{"x":"2026-12-31 23:59:60"}'],
    ['DateTime', '{"x":"05/01/2026"}'],
    ['Array(Int64)', '{"x":[]}'],
    ['Array(String)', '{"x":[""]}'],
    ['Map(String, Int64)', '{"x":{"":1}}'],
    ['Tuple(a Int64, b String)', '{"x":{"b":""}}'],
    ["Enum8('z' = 0, 'a' = 1)", '{"x":null}'],
    ["Enum8('y' = -1, 'z')", '{"x":null}'],
    ["Nullable(Enum8('a' = 1))", '{"x":null}'],
    ["Enum8('a' = 1)", '{}'],
    ['Dynamic', '{"x":""}'],
    ['no type at all (', '{"x":""}'],
  ])('%s: %s is left to the server', (type, payload) => {
    expect(faultOf(type, payload)).toBeUndefined();
  });

  it.each([
    ['Nullable(Int64)', '{"x":""}', undefined],
    ['Nullable(Decimal(9,2))', '{"x":"-"}', 'has in "x" "-"'],
    ['Int64', '{"x":""}', 'has in "x" ""'],
    ['Date', '{"x":""}', 'has in "x" ""'],
    ['JSON', '{"x":""}', 'has in "x" ""'],
    ['Array(Nullable(Int64))', '{"x":""}', 'has in "x" ""'],
    ['Array(Nullable(Int64))', '{"x":[""]}', undefined],
    ['Array(UUID)', '{"x":[""]}', 'has in "x" ""'],
    ['String', '{"x":""}', undefined],
  ])('emptyStrings null, %s: %s', (type, payload, fault) => {
    const found = faultOf(type, payload, 'null');
    if (fault === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(fault);
  });

  it('emptyStrings default leaves all but unreadable Enums as ClickHouse has them', () => {
    expect(faultOf('Array(Decimal(9,2))', '{"x":["","-"]}', 'default')).toBeUndefined();
    expect(faultOf("Enum8('a' = 1)", '{"x":null}', 'default')).toMatch(/no element of its Enum8/);
  });

  it('a field with a dot in its name is looked for in the object too, as the server does', () => {
    expect(faultOf('Int64', '{"a":{"b":""}}', 'deadLetter', 'a.b')).toMatch(/^has in "a", "b" /);
    expect(faultOf('Int64', '{"a.b":""}', 'deadLetter', 'a.b')).toMatch(/^has in "a\.b" /);
    expect(faultOf('Int64', '{"a":{"c":{"b":""}},"b":""}', 'deadLetter', 'a.b')).toBeUndefined();
  });
});
