/** What stands in place of a field's value: its JSON, undefined where the field is missing. */
export interface OddValue {
  readonly json: string | undefined;
  /** What the documentation calls it, where its JSON does not say enough. */
  readonly called?: string;
}

export interface OddTable {
  readonly types: readonly string[];
  readonly values: readonly OddValue[];
}

const value = (json: string, called?: string): OddValue => ({ json, ...(called && { called }) });
const MISSING: OddValue = { json: undefined, called: 'missing' };

export const NUMBERS: OddTable = {
  types: ['Int64', 'UInt8', 'Nullable(Int64)', 'Float64', 'Decimal(9, 2)', 'Bool', 'String'],
  values: [
    MISSING,
    value('null'),
    value('""'),
    value('" "'),
    value('"-"'),
    value('"12"'),
    value('"+12"'),
    value('" 12"'),
    value('"12 km"'),
    value('"1.."'),
    value('3.0'),
    value('3.5'),
    value('1e3'),
    value('-1'),
    value('300'),
    value('9223372036854775808', '2^63'),
    value('18446744073709551617', '2^64 + 1'),
    value('1e999'),
    value('1.005'),
    value('"NaN"'),
    value('NaN'),
    value('Infinity'),
    value('"inf"'),
    value('true'),
    value('"true"'),
    value('{}'),
    value('[]'),
  ],
};

export const TIMES: OddTable = {
  types: ['Date', 'DateTime', 'DateTime64(3)', 'Nullable(DateTime)'],
  values: [
    MISSING,
    value('null'),
    value('""'),
    value('"2026-01-05"'),
    value('"2026-01-05 10:00:00"'),
    value('"2026-01-05T10:00:00.123Z"'),
    value('"2026-01-05T10:00:00+02:00"'),
    value('"2026-02-30"'),
    value('"2026-02-30 10:00:00"'),
    value('"2026-13-01"'),
    value('"0000-00-00"'),
    value('"0000-00-00 00:00:00"'),
    value('"1900-01-01 00:00:00"'),
    value('"2149-06-07"'),
    value('"2299-12-31 00:00:00"'),
    value('"9999-12-31 23:59:59"'),
    value('"05/01/2026"'),
    value('"yesterday"'),
    value('1764000000'),
    value('"1764000000"'),
    value('1764000000000'),
    value('"1764000000000"'),
    value('-1'),
    value('1.5'),
  ],
};

export const OTHERS: OddTable = {
  types: [
    'String',
    'FixedString(3)',
    'UUID',
    'IPv4',
    "Enum8('a' = 1)",
    'Array(Int64)',
    'Map(String, Int64)',
    'Tuple(a Int64, b Int64)',
  ],
  values: [
    MISSING,
    value('null'),
    value('""'),
    value('"a"'),
    value('"a,b"'),
    value('12'),
    value('1e999'),
    value('true'),
    value('"\\ud83d"', 'a lone surrogate, `"\\ud83d"`'),
    value('"\\u0000"'),
    value('{"a":1}'),
    value('{"a":1,"c":2}'),
    value('{"a":null}'),
    value('{"a":""}'),
    value('{"a":1,"a":2}'),
    value('[1,2]'),
    value('[1,null]'),
    value('[1,""]'),
    value('[1,"2"]'),
    value('[[1]]'),
    value('{}'),
    value('[]'),
  ],
};

/** Of `""`, by what `source.emptyStrings` says. */
export const EMPTY_STRING_TYPES = [
  'Int64',
  'Nullable(Int64)',
  'Decimal(9, 2)',
  'Float64',
  'Nullable(Float64)',
  'Date',
  'Nullable(Date)',
  'String',
  'Nullable(String)',
  'Array(Nullable(Int64))',
] as const;
