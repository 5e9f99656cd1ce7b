import { type ClickHouseSettings, SettingsMap } from '@clickhouse/client';
import { describe, expect } from 'vitest';
import { entryOf, payload, rangeAll } from '../../contract/sink/messages.ts';
import { insert } from './sending.ts';
import { test } from './sink-table.ts';

/** Settings that administrators give to users, with which ClickHouse answers success to a part of the work. */
const PROFILES: readonly ClickHouseSettings[] = [
  { max_rows_to_read: '1000', read_overflow_mode: 'break' },
  { max_bytes_to_read: '1000', read_overflow_mode: 'break' },
  { max_result_rows: '1000', result_overflow_mode: 'break' },
  { max_rows_to_group_by: '3', group_by_overflow_mode: 'any' },
  { max_rows_to_group_by: '3', group_by_overflow_mode: 'break' },
  { max_execution_time: 0.000001, timeout_overflow_mode: 'break' },
  { limit: '3' },
  { offset: '3' },
  {
    max_block_size: '1000',
    max_insert_block_size: '1000',
    min_insert_block_size_rows: '1',
    max_insert_threads: '8',
  },
  { async_insert: 1, wait_for_async_insert: 0 },
  { insert_deduplicate: 0 },
  { input_format_allow_errors_num: '1000', input_format_allow_errors_ratio: 1 },
  { input_format_skip_unknown_fields: 0, input_format_null_as_default: 0 },
  { input_format_column_name_matching_mode: 'ignore_case' },
  { use_query_cache: 1, query_cache_ttl: 600 },
  { output_format_json_quote_64bit_integers: 1 },
  { output_format_json_array_of_rows: 1 },
  { max_rows_to_sort: '3', sort_overflow_mode: 'break' },
  { max_rows_to_read_leaf: '1000', read_overflow_mode_leaf: 'break' },
  { max_rows_in_distinct: '3', distinct_overflow_mode: 'break' },
  { max_execution_time_leaf: 0.000001, timeout_overflow_mode_leaf: 'break' },
  { additional_result_filter: 'rows < 3' },
  { additional_result_filter: 'ledger > 5' },
  { aggregate_functions_null_for_empty: 1 },
  { empty_result_for_aggregation_by_empty_set: 1 },
  { partial_result_on_first_cancel: 1 },
  { input_format_max_block_size_bytes: '1000', max_insert_block_size_bytes: '1000' },
  { input_format_connection_handling: 1, input_format_max_block_wait_ms: '1' },
  { optimize_on_insert: 0 },
  { compatibility: '21.3' },
];

describe('whatever a user’s profile says', () => {
  test.for(PROFILES)('%o: stored means whole, and counts are true', async (profile, { openTable }) => {
    const table = await openTable({ window: 100 });
    const { deadline, uniqueId } = table;
    const sink = table.withProfile(profile);
    const body = sink.newBody(0);
    for (let entry = 0; entry < 20; entry += 1) {
      body.add(
        entryOf(
          1,
          entry,
          Array.from({ length: 1000 }, () => payload()),
        ),
      );
    }
    const send = () =>
      sink.insert({
        body,
        token: 'one',
        queryId: uniqueId(),
        notAfter: Date.now() + 60_000,
        deadline: deadline(),
      });
    const before = await sink.countRows(rangeAll(0), deadline()).catch((error: unknown) => error);
    expect(before).toSatisfy(
      (found) => found instanceof Error || JSON.stringify(found) === '{"rows":0,"distinct":0}',
    );
    const outcomes = [await send(), await send()];
    const rows = outcomes.some(({ kind }) => kind === 'stored') ? 20_000 : 0;
    expect(await table.sink.countRows(rangeAll(0), deadline())).toEqual({ rows, distinct: rows });
    // A limit may keep a question from being answered, but not have it answered wrongly.
    const counted = await sink.countRows(rangeAll(0), deadline()).catch((error: unknown) => error);
    if (!(counted instanceof Error)) expect(counted).toEqual({ rows, distinct: rows });
    const entries = await sink.countRowsByEntry(rangeAll(0), deadline()).catch((error: unknown) => error);
    if (!(entries instanceof Error)) expect(entries).toHaveLength(rows / 1000);
    const bad = sink.newBody(1);
    bad.add(entryOf(1, 0, [payload(), '{"value":"no number"}', payload()]));
    await sink.insert({
      body: bad,
      token: 'bad',
      queryId: uniqueId(),
      notAfter: Date.now() + 60_000,
      deadline: deadline(),
    });
    expect(await table.sink.countRows(rangeAll(1), deadline())).toEqual({ rows: 0, distinct: 0 });
    await sink.close();
  });

  test('a filter on the table in it hides no row from a question', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const { deadline, name } = table;
    expect(await insert(table, [payload(), '{"day":"2026-11-20","value":7}'])).toEqual({ kind: 'stored' });
    const sink = table.withProfile({ additional_table_filters: SettingsMap.from({ [name]: 'value != 7' }) });
    expect(await sink.countRows(rangeAll(0), deadline())).toEqual({ rows: 2, distinct: 2 });
    await sink.close();
  });
});
