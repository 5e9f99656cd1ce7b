import { parsePipeline } from '../../../lib/configuration/parse.ts';
import type { EmptyStrings, Pipeline } from '../../../lib/pipeline/pipeline.ts';

/** Messages of one body. */
export const BODY_MESSAGES = 200;

interface Family {
  /** What a payload is read as. */
  readonly fields: Readonly<Record<string, string>>;
  /** Columns that convert, and throw for what they cannot: each a field's. */
  readonly conversions?: Readonly<Record<string, readonly [type: string, expression: string]>>;
  /** A column that computes, or a constraint. Not every row passes. */
  readonly also?: readonly string[];
  /** A column that `also` computes. */
  readonly computed?: string;
  /** A part of the sorting key that throws for some rows, which only writing a part shows. */
  readonly throwingKey?: string;
  /** @default `MODES` */
  readonly modes?: readonly EmptyStrings[];
}

const MODES: readonly EmptyStrings[] = ['default', 'deadLetter'];

/** The types in tables of few columns: what a statement costs grows with its expressions, whatever the rows. */
const FAMILIES: readonly Family[] = [
  {
    // Three of the names are spelled by letters that also occur in numbers and literals, and their types are read in ways
    // that once let crafted payloads swallow their neighbours.
    fields: { id: 'UInt64', status: 'String', user: 'UUID', start: 'Date', city: 'LowCardinality(String)' },
  },
  {
    fields: {
      tags: 'Array(String)',
      grid: 'Array(Array(Int32))',
      attrs: 'Map(String, String)',
      readings: 'Map(String, Float64)',
      pair: 'Tuple(x Int32, y String)',
    },
  },
  {
    fields: {
      doc: 'JSON(max_dynamic_paths = 8)',
      maybe: 'Nullable(Int64)',
      ok: 'Bool',
      kind: "Enum8('a' = 1, 'b' = 2, 'c d' = -3)",
      ip: 'IPv4',
    },
  },
  {
    fields: {
      price: 'Decimal(18, 4)',
      at: 'DateTime64(3)',
      count: 'Int64',
      level: 'UInt8',
      ratio: 'Float64',
    },
    also: ['CONSTRAINT low CHECK level < 200'],
  },
  {
    fields: { code: 'String', seen: 'String', serial: 'String', rank: 'String' },
    conversions: {
      code: ['Int64', 'toInt64(code)'],
      seen: ['DateTime', 'parseDateTimeBestEffort(seen)'],
    },
    also: ['number UInt64 MATERIALIZED toUInt64(serial)'],
    computed: 'number',
    throwingKey: 'toUInt64(rank)',
  },
  {
    fields: {
      born: 'Nullable(Date)',
      founded: 'Date32',
      made: 'DateTime',
      changed: "Nullable(DateTime('UTC'))",
      tick: "DateTime64(6, 'UTC')",
      owner: 'Nullable(UUID)',
      host: 'IPv6',
      mode: "Enum16('' = -300, 'one' = 1, 'zwölf' = 12)",
      word: 'LowCardinality(Nullable(String))',
    },
    modes: ['deadLetter', 'default'],
  },
  {
    fields: {
      tiny: 'Int8',
      small: 'UInt16',
      whole: 'Nullable(Int32)',
      large: 'UInt64',
      half: 'Float32',
      rare: 'Nullable(Float64)',
      perhaps: 'Nullable(Bool)',
      cents: 'Decimal(5, 2)',
      huge: 'Nullable(Decimal(38, 6))',
      mark: 'FixedString(5)',
      spot: 'Tuple(latitude Float64, label String, inner Tuple(n Nullable(Int16), mark FixedString(3), list Array(UInt8)))',
    },
    modes: ['deadLetter', 'default', 'null'],
  },
  {
    fields: {
      flags: 'Array(Nullable(UInt8))',
      owners: 'Array(UUID)',
      kinds: "Array(Enum8('a' = 1, 'b' = 2, 'c d' = -3))",
      stamps: 'Array(DateTime64(3))',
      prices: 'Map(String, Nullable(Decimal(18, 4)))',
      lists: 'Map(LowCardinality(String), Array(Int16))',
      marks: 'Array(FixedString(5))',
      days: 'Array(Array(Nullable(Date)))',
      words: 'Array(LowCardinality(String))',
    },
    modes: ['deadLetter', 'default', 'null'],
  },
  {
    // Elements without letters, which are the same text as a value that is missing.
    fields: {
      state: "Enum8('' = 0, 'on' = 1)",
      before: "Nullable(Enum16('' = -300, 'on' = 1))",
      states: "Array(Nullable(Enum8('' = 0, 'on' = 1)))",
    },
    modes: ['deadLetter', 'default', 'null'],
  },
];

export interface TableKind extends Family {
  readonly emptyStrings: EmptyStrings;
}

/** One consumer for each. */
export const KINDS: readonly TableKind[] = FAMILIES.flatMap((family) =>
  (family.modes ?? MODES).map((emptyStrings) => ({ ...family, emptyStrings })),
);

/** A body always goes through the same kind of table, so that its number is enough to see it again. */
export function kindOf(body: number): TableKind {
  return KINDS[body % KINDS.length] as TableKind;
}

function columnsOf({ fields, conversions = {}, also = [] }: TableKind): string {
  return Object.entries(fields)
    .map(([name, type]) => `\`${name}\` ${conversions[name]?.[0] ?? type}`)
    .concat(also, '_partition UInt32, _ledger Int64, _entry Int64, _index UInt32, _row UInt32')
    .join(', ');
}

/** The places among the table's columns of those that are of type JSON. */
export function jsonColumnsOf({ fields, conversions = {} }: TableKind): readonly number[] {
  return Object.entries(fields).flatMap(([name, type], at) =>
    /^JSON\b/.test(conversions[name]?.[0] ?? type) ? [at] : [],
  );
}

/** A body's rows lie together: counting them must not read the parts of all the others. */
export function ddlOf(kind: TableKind): string {
  const key = ['_ledger', kind.throwingKey, '_entry', '_index'].filter((part) => part !== undefined);
  return `CREATE TABLE {database:Identifier}.{table:Identifier} (${columnsOf(kind)})
ENGINE = MergeTree ORDER BY (${key.join(', ')}) SETTINGS non_replicated_deduplication_window = 10000`;
}

/** Without a key that throws there is nothing that only writing a part would refuse: memory is enough, and much faster. */
export function referenceDdl(kind: TableKind, table: string): string {
  const engine = kind.throwingKey === undefined ? 'Memory' : `MergeTree ORDER BY ${kind.throwingKey}`;
  return `CREATE TABLE ${table} (${columnsOf(kind)}) ENGINE = ${engine}`;
}

export function pipelineFor(database: string, table: string, kind: TableKind): Pipeline {
  const { fields, conversions = {}, emptyStrings } = kind;
  const columns = Object.keys(fields).map((name) => [name, conversions[name]?.[1] ?? `\`${name}\``]);
  const { pipeline, problems } = parsePipeline(
    JSON.stringify({
      name: `fuzz-${table}`,
      topic: `persistent://public/default/${table}`,
      target: { database, table },
      source: { fields, emptyStrings },
      columns: Object.fromEntries(columns),
      batch: { maxRows: BODY_MESSAGES, maxWait: '5 m' },
      consume: { lease: '60 s' },
      deadLetters: { maxRatio: 1 },
    }),
    'fuzz.yml',
  );
  if (!pipeline) throw new Error(`the pipeline of the fuzz is wrong: ${JSON.stringify(problems)}`);
  // What the broker in this process calls its own.
  return { ...pipeline, topic: 'topic' };
}
