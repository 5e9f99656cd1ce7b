import type { ClickHouseSettings } from '@clickhouse/client';
import { describe, expect } from 'vitest';
import { INSERT_SETTINGS } from '../../../lib/clickhouse/insert-settings.ts';
import type { Server } from '../../../lib/clickhouse/server.ts';
import { ClickHouseSink } from '../../../lib/clickhouse/sink.ts';
import { insertStatement } from '../../../lib/clickhouse/statement.ts';
import { entryOf } from '../../contract/sink/messages.ts';
import { PROJECTION, type SinkTable, test } from '../clickhouse/sink-table.ts';

interface Value {
  readonly profile: ClickHouseSettings;
  /** Of the source field. */
  readonly field: string;
  /** Of the target column. */
  readonly type: string;
  readonly mapping?: string;
  /** The message's `x` as JSON; left out, the message has none. */
  readonly x?: string;
  /** How the stored value is looked at. */
  readonly read?: string;
}

const VALUES: readonly Value[] = [
  { profile: { precise_float_parsing: 0 }, field: 'Float64', type: 'Float64', x: '8.41e21' },
  {
    profile: { session_timezone: 'Asia/Tokyo' },
    field: 'DateTime',
    type: 'DateTime',
    x: '"2026-11-01 00:00:00"',
  },
  {
    profile: { date_time_overflow_behavior: 'saturate' },
    field: 'DateTime64(3)',
    type: 'Date',
    mapping: 'toDate(x)',
    x: '"2299-01-01 00:00:00"',
  },
  {
    profile: { input_format_json_read_objects_as_strings: 0 },
    field: 'String',
    type: 'String',
    x: '{"a":1}',
  },
  { profile: { input_format_json_read_arrays_as_strings: 0 }, field: 'String', type: 'String', x: '[1]' },
  { profile: { input_format_json_read_bools_as_strings: 0 }, field: 'String', type: 'String', x: 'true' },
  { profile: { input_format_json_read_numbers_as_strings: 0 }, field: 'String', type: 'String', x: '12' },
  { profile: { input_format_json_read_bools_as_numbers: 0 }, field: 'Int64', type: 'Int64', x: 'true' },
  { profile: { input_format_json_empty_as_default: 1 }, field: 'DateTime', type: 'DateTime', x: '""' },
  {
    profile: { input_format_json_throw_on_bad_escape_sequence: 0 },
    field: 'String',
    type: 'String',
    x: '"\\ud83d"',
  },
  {
    profile: { input_format_json_map_as_array_of_tuples: 1 },
    field: 'Map(String, Int64)',
    type: 'Map(String, Int64)',
    x: '{"a":1}',
  },
  { profile: { input_format_force_null_for_omitted_fields: 1 }, field: 'Int64', type: 'Int64' },
  { profile: { insert_null_as_default: 0 }, field: 'Nullable(Int64)', type: 'Int64', x: 'null' },
  {
    profile: { cast_ipv4_ipv6_default_on_conversion_error: 1 },
    field: 'String',
    type: 'IPv4',
    mapping: 'CAST(x AS IPv4)',
    x: '"no address"',
  },
  {
    profile: { decimal_check_overflow: 0 },
    field: 'Decimal(9, 0)',
    type: 'Decimal(9, 0)',
    mapping: 'x * toDecimal32(4, 0)',
    x: '999999999',
  },
  {
    profile: { check_conversion_from_numbers_to_enum: 0 },
    field: 'Int8',
    type: "Enum8('a' = 1)",
    mapping: "CAST(x AS Enum8('a' = 1))",
    x: '5',
    read: 'toInt8(x)',
  },
  {
    profile: { bool_true_representation: 'ja' },
    field: 'Bool',
    type: 'String',
    mapping: 'toString(x)',
    x: 'true',
  },
  {
    profile: { cast_string_to_date_time_mode: 'basic' },
    field: 'String',
    type: 'DateTime',
    mapping: 'toDateTime(x)',
    x: '"1 Nov 2026 10:00"',
  },
  {
    profile: { transform_null_in: 1 },
    field: 'Nullable(Int64)',
    type: 'Int64',
    mapping: 'x IN (1, NULL)',
    x: 'null',
  },
  {
    profile: { cast_keep_nullable: 1 },
    field: 'Nullable(Int64)',
    type: 'String',
    mapping: 'toTypeName(CAST(x AS Int64))',
    x: '1',
  },
  ...(
    [
      [{ input_format_try_infer_dates: 1 }, '"2026-11-01"'],
      [{ input_format_try_infer_datetimes: 1 }, '"2026-11-01 00:00:00"'],
      [{ input_format_json_try_infer_numbers_from_strings: 1, input_format_try_infer_dates: 1 }, '"12"'],
      [{ input_format_json_infer_array_of_dynamic_from_array_of_different_types: 0 }, '[1, "a", {"b":1}]'],
    ] as const
  ).map(([profile, value]) => ({
    profile,
    field: 'JSON',
    type: 'JSON',
    x: `{"a":${value}}`,
    read: 'dynamicType(x.a)',
  })),
  {
    profile: { type_json_skip_invalid_typed_paths: 1 },
    field: 'JSON(a UInt32)',
    type: 'JSON(a UInt32)',
    x: '{"a":"no number"}',
  },
];

const message = ({ x }: Value): string =>
  `{"day":"2026-11-20","value":1${x === undefined ? '' : `,"x":${x}`}}`;

const tableOf = ({ field, mapping = 'x', type }: Value) => ({
  window: 100,
  fields: { day: 'Date', value: 'Int64', x: field },
  columns: { day: 'day', value: 'value', x: mapping },
  also: [`x ${type}`, PROJECTION],
});

/** What stands in the column afterwards, or the code by which the row was refused. */
async function outcomeOf(table: SinkTable, run: () => Promise<unknown>, read = 'x'): Promise<string> {
  const error = await run().then(
    () => undefined,
    (failure: unknown) => String(failure),
  );
  const stored = await table.query(`SELECT ${read} AS x FROM ${table.name} FORMAT TSV`);
  await table.query(`TRUNCATE TABLE ${table.name}`);
  return stored === '' ? (/Code: \d+/.exec(error ?? '')?.[0] ?? 'nothing') : stored.trim();
}

async function send(table: SinkTable, server: Server, value: Value): Promise<void> {
  const { deadline, mapping, uniqueId } = table;
  const sink = new ClickHouseSink(mapping, server, { now: () => Date.now() });
  const body = sink.newBody(0);
  body.add(entryOf(1, 0, [message(value)]));
  const notAfter = Date.now() + 60_000;
  const outcome = await sink.insert({
    body,
    token: uniqueId(),
    queryId: uniqueId(),
    notAfter,
    deadline: deadline(),
  });
  if (outcome.kind !== 'stored') throw outcome.error;
}

/** The same insert with these settings in the place of ours. */
async function sendWith(table: SinkTable, settings: ClickHouseSettings, value: Value): Promise<void> {
  const body = table.sink.newBody(0);
  body.add(entryOf(1, 0, [message(value)]));
  await table.server.run({
    sql: insertStatement(table.mapping),
    parameters: { partition: 0, notAfter: 2 ** 32 - 1 },
    settings: { ...INSERT_SETTINGS, ...settings, insert_deduplicate: 0 },
    body: body.chunks(),
    timeout: 30_000,
  });
}

describe('a value is the same whatever a user’s profile says', () => {
  test.for(VALUES)('$profile, $field as $x', async (value, { openTable }) => {
    const table = await openTable(tableOf(value));
    const plain = await outcomeOf(table, () => send(table, table.server, value), value.read);
    const overruled = await outcomeOf(table, () => sendWith(table, value.profile, value), value.read);
    // Else the setting would change nothing here, and the next line would show nothing.
    expect(overruled).not.toBe(plain);
    const server = table.serverFor(value.profile);
    expect(await outcomeOf(table, () => send(table, server, value), value.read)).toBe(plain);
    await server.close();
  });
});
