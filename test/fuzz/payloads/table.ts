import { parsePipeline } from '../../../lib/configuration/parse.ts';
import type { EmptyStrings, Pipeline } from '../../../lib/pipeline/pipeline.ts';

/** Messages of one body. */
export const BODY_MESSAGES = 200;

/**
 * What a payload is read as. Three of the names are spelled by letters that also occur in numbers and literals, and their
 * types are read in ways that once let crafted payloads swallow their neighbours.
 */
const FIELDS: Readonly<Record<string, string>> = {
  id: 'UInt64',
  status: 'String',
  user: 'UUID',
  start: 'Date',
  kind: "Enum8('a' = 1, 'b' = 2, 'c d' = -3)",
  tags: 'Array(String)',
  grid: 'Array(Array(Int32))',
  attrs: 'Map(String, String)',
  readings: 'Map(String, Float64)',
  pair: 'Tuple(x Int32, y String)',
  doc: 'JSON(max_dynamic_paths = 8)',
  maybe: 'Nullable(Int64)',
  price: 'Decimal(18, 4)',
  at: 'DateTime64(3)',
  count: 'Int64',
  level: 'UInt8',
  ratio: 'Float64',
  ok: 'Bool',
  ip: 'IPv4',
  city: 'LowCardinality(String)',
  code: 'String',
  seen: 'String',
  serial: 'String',
  rank: 'String',
};

/** Two of them convert, and throw for what they cannot. */
const COLUMNS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.keys(FIELDS).map((name) => [name, `\`${name}\``])),
  code: 'toInt64(code)',
  seen: 'parseDateTimeBestEffort(seen)',
};

const TYPES: Readonly<Record<string, string>> = { ...FIELDS, code: 'Int64', seen: 'DateTime' };

/** All of them have a constraint and a column that computes what not every row allows. */
export interface TableKind {
  /** A sorting key that throws for some rows, and a projection over the positions. */
  readonly throwingKey: boolean;
  readonly emptyStrings: EmptyStrings;
}

const COLUMN_LIST = Object.entries(TYPES)
  .map(([name, type]) => `\`${name}\` ${type}`)
  .concat(
    'number UInt64 MATERIALIZED toUInt64(serial)',
    'CONSTRAINT low CHECK level < 200',
    '_partition UInt32, _ledger Int64, _entry Int64, _index UInt32, _row UInt32',
  )
  .join(', ');

const PROJECTION =
  'PROJECTION _positions (SELECT _partition, _ledger, _entry, _index, _row ORDER BY _partition, _ledger, _entry, _index, _row)';

export function ddlOf({ throwingKey }: TableKind): string {
  const key = throwingKey ? '(toUInt64(rank), id)' : 'id';
  return `CREATE TABLE {database:Identifier}.{table:Identifier} (${COLUMN_LIST}${throwingKey ? `, ${PROJECTION}` : ''})
ENGINE = MergeTree ORDER BY ${key} SETTINGS non_replicated_deduplication_window = 10000`;
}

/** Without a key there is nothing that only writing a part would refuse: memory is enough, and much faster. */
export function referenceDdl({ throwingKey }: TableKind, table: string): string {
  const engine = throwingKey ? 'MergeTree ORDER BY (toUInt64(rank), id)' : 'Memory';
  return `CREATE TABLE ${table} (${COLUMN_LIST}) ENGINE = ${engine}`;
}

export function pipelineFor(database: string, table: string, { emptyStrings }: TableKind): Pipeline {
  const { pipeline, problems } = parsePipeline(
    JSON.stringify({
      name: `fuzz-${table}`,
      topic: `persistent://public/default/${table}`,
      target: { database, table },
      source: { fields: FIELDS, emptyStrings },
      columns: COLUMNS,
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

export const FIELD_NAMES: readonly string[] = Object.keys(FIELDS);
