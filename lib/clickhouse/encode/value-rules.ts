import type { EmptyStrings } from '../../pipeline/pipeline.ts';
import { type ColumnType, parseColumnType } from './column-type.ts';
import { SEEN } from './frame-check.ts';

/** Looks at a field's value, as JSON.parse gives it (undefined: missing within a Tuple), for one that would change silently. */
export interface ValueRule {
  /** `SEEN` of payloads that may hold such a value; `EVERY` where any may. */
  readonly seen: number;
  /** Why the value must not be stored as the server reads it. */
  fault(value: unknown): string | undefined;
}

/** Any payload may hold such a value. */
export const EVERY = -1;

const INTEGER =
  /^(?:U?Int(?:8|16|32|64|128|256)|(?:TINYINT|SMALLINT|MEDIUMINT|INT|INTEGER|BIGINT|INT1|BYTE|SIGNED|UNSIGNED)(?: \w+)?|YEAR|BIT|SET)$/i;
const DECIMAL = /^(?:Decimal(?:32|64|128|256)?|DEC|NUMERIC|FIXED)$/i;
const DATE = /^(?:Date|Date32|DateTime|DateTime32|DateTime64|TIMESTAMP)$/i;
const TIME = /^Time(?:64)?$/i;
const ENUM = /^Enum(?:8|16)?$/i;
const TEXT =
  /^(?:String|FixedString|(?:TINY|MEDIUM|LONG)?(?:TEXT|BLOB)|(?:N?VAR|N)?CHAR(?:ACTER)?|VARCHAR2?|BINARY|VARBINARY|CLOB|BYTEA|GEOMETRY|Dynamic)$/i;

/** What the server reads as a Decimal beyond this, it reads as far as it understands it: "-", "1.." and "e5" are 0, 1 and 0. */
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** Undefined where no value of the type changes silently. `empty`: what the pipeline wants of empty strings. */
export function ruleOf(text: string, empty: EmptyStrings): ValueRule | undefined {
  const type = parseColumnType(text);
  return type && ruleFor(type, empty);
}

function ruleFor(type: ColumnType, empty: EmptyStrings): ValueRule | undefined {
  const of = (index: number) => {
    const inner = type.arguments.at(index)?.type;
    return inner && ruleFor(inner, empty);
  };
  if (type.name === 'LowCardinality' || type.name === 'SimpleAggregateFunction') return of(-1);
  if (type.name === 'Nullable') return nullable(of(0), empty);
  if (type.name === 'Array') return whole(array(of(0)), empty, type);
  if (type.name === 'Map') return whole(map(of(0), of(1)), empty, type);
  if (type.name === 'Tuple') return whole(tuple(type, empty), empty, type);
  if (type.name === 'Nested') return whole(nested(tuple(type, empty)), empty, type);
  if (type.name === 'Variant') return variant(type, empty);
  return scalar(type, empty);
}

function scalar({ name, arguments: elements }: ColumnType, empty: EmptyStrings): ValueRule | undefined {
  if (ENUM.test(name) && !hasZero(elements.map(({ text }) => text))) return enumWithoutZero(name, empty);
  if (empty === 'default' || TEXT.test(name)) return undefined;
  if (INTEGER.test(name)) return { seen: SEEN.empty, fault: (value) => emptyFault(value, name) };
  if (DECIMAL.test(name)) {
    return {
      seen: SEEN.empty | SEEN.sign | SEEN.digit,
      fault: (value) =>
        emptyFault(value, name) ??
        (typeof value === 'string' && !NUMBER.test(value)
          ? `${JSON.stringify(value)}, which is no number: ClickHouse would read as much of it as it understands into ${name}`
          : undefined),
    };
  }
  if (TIME.test(name)) {
    return {
      seen: SEEN.empty | SEEN.sign,
      fault: (value) =>
        typeof value === 'string' && !/\d/.test(value)
          ? `${JSON.stringify(value)}, which is no time and might be stored as 0 in ${name}`
          : undefined,
    };
  }
  if (DATE.test(name)) {
    return {
      seen: SEEN.digit | (empty === 'null' ? SEEN.empty : 0),
      fault(value) {
        if (typeof value === 'string' && !mayExist(value))
          return `${JSON.stringify(value)}, a time that there is not: ClickHouse would store another one in ${name}`;
        return empty === 'null' ? emptyFault(value, name) : undefined;
      },
    };
  }
  // By itself the server refuses "" here; told to read it as NULL, it reads it as a default where nothing can be NULL.
  return empty === 'null' ? { seen: SEEN.empty, fault: (value) => emptyFault(value, name) } : undefined;
}

/** Year, month and day, and where they follow hour, minute and second: all that is written so must be within its bounds. */
const CALENDAR = /^(\d{4})\D(\d{1,2})\D(\d{1,2})(?:[T ](\d{1,2}):(\d{1,2})(?::(\d{1,2}))?)?/;

/** False for 2026-02-30, 0000-00-00 and 25:61. Midnight may be 24:00, and a second a leap second. */
function mayExist(text: string): boolean {
  const written = CALENDAR.exec(text);
  if (!written) return true;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = written
    .slice(1)
    .map((part) => Number(part ?? 0));
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const isDay = year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  const isTime = (hour < 24 || (hour === 24 && minute + second === 0)) && minute < 60 && second <= 60;
  return isDay && isTime;
}

function emptyFault(value: unknown, name: string): string | undefined {
  return value === '' ? `"", which would be stored as the default of ${name}` : undefined;
}

function enumWithoutZero(name: string, empty: EmptyStrings): ValueRule {
  return {
    seen: empty === 'null' ? SEEN.null | SEEN.empty : SEEN.null,
    fault(value) {
      if (value === null || value === undefined)
        return `null or nothing, which would be stored as 0, no element of its ${name}; declare it Nullable or write an element`;
      return empty === 'null' ? emptyFault(value, name) : undefined;
    },
  };
}

/** `'a' = 1, 'b'`: an element without a number has the one after its neighbour's, the first 1. */
function hasZero(elements: readonly string[]): boolean {
  let number = 0;
  return elements.some((text) => {
    const written = /=\s*(-?\d+)\s*$/.exec(text)?.[1];
    number = written === undefined ? number + 1 : Number(written);
    return number === 0;
  });
}

/** NULL keeps null; an empty string it becomes only where the pipeline wants that. */
function nullable(inner: ValueRule | undefined, empty: EmptyStrings): ValueRule | undefined {
  if (!inner) return undefined;
  return {
    seen: inner.seen,
    fault(value) {
      if (value === null || value === undefined) return undefined;
      return value === '' && empty === 'null' ? undefined : inner.fault(value);
    },
  };
}

/** Told to read "" as NULL, the server reads it as an empty Array, Map or Tuple too. */
function whole(
  inner: ValueRule | undefined,
  empty: EmptyStrings,
  { name }: ColumnType,
): ValueRule | undefined {
  if (empty !== 'null') return inner;
  return {
    seen: (inner?.seen ?? 0) | SEEN.empty,
    fault: (value) => emptyFault(value, name) ?? inner?.fault(value),
  };
}

function array(of: ValueRule | undefined): ValueRule | undefined {
  if (!of) return undefined;
  return { seen: of.seen, fault: (value) => (Array.isArray(value) ? first(value, of) : undefined) };
}

/** `[{…}, …]`, or an object of arrays. */
function nested(of: ValueRule | undefined): ValueRule | undefined {
  if (!of) return undefined;
  return {
    seen: of.seen,
    fault(value) {
      if (Array.isArray(value)) return first(value, of);
      if (!isObject(value)) return undefined;
      const columns = Object.entries(value).filter((entry): entry is [string, unknown[]] =>
        Array.isArray(entry[1]),
      );
      const length = Math.max(0, ...columns.map(([, list]) => list.length));
      const rows = Array.from({ length }, (_, row) =>
        Object.fromEntries(columns.map(([name, list]) => [name, list[row]])),
      );
      return first(rows, of);
    },
  };
}

function first(values: readonly unknown[], { fault }: ValueRule): string | undefined {
  for (const value of values) {
    const found = fault(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

function map(key: ValueRule | undefined, of: ValueRule | undefined): ValueRule | undefined {
  if (!key && !of) return undefined;
  return {
    seen: (key?.seen ?? 0) | (of?.seen ?? 0),
    fault(value) {
      if (!isObject(value)) return undefined;
      const inKeys = key && first(Object.keys(value), key);
      return inKeys ?? (of && first(Object.values(value), of));
    },
  };
}

function tuple({ arguments: elements }: ColumnType, empty: EmptyStrings): ValueRule | undefined {
  const rules = elements.map(({ type }) => type && ruleFor(type, empty));
  if (rules.every((rule) => !rule)) return undefined;
  const seen = rules.reduce((sum, rule) => sum | (rule?.seen ?? 0), 0);
  const of = (pick: (index: number, label: string) => unknown): string | undefined => {
    for (const [index, rule] of rules.entries()) {
      const found = rule?.fault(pick(index, elements[index]?.label ?? ''));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    // Of an element that is missing nothing is seen.
    seen: rules.some((rule) => rule?.fault(undefined) !== undefined) ? EVERY : seen,
    fault(value) {
      if (Array.isArray(value)) return of((index) => value[index] as unknown);
      if (isObject(value)) return of((_, label) => (Object.hasOwn(value, label) ? value[label] : undefined));
      return value === null || value === undefined ? of(() => undefined) : undefined;
    },
  };
}

/** "" is taken for a number rather than for the String that may be among the types. */
function variant({ arguments: types }: ColumnType, empty: EmptyStrings): ValueRule | undefined {
  if (empty !== 'deadLetter') return undefined;
  const integer = types.find(({ text }) => INTEGER.test(text));
  return integer && { seen: SEEN.empty, fault: (value) => emptyFault(value, integer.text) };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
