import type { ClickHouseSettings } from '@clickhouse/client';

/** Rows of one insert that the server still makes one block of, and so one part of one table partition. */
export const MAX_BLOCK_ROWS = 1_048_449;

/** Body bytes of one insert that still became one block; 383 MB became two whatever the settings. */
export const MAX_BLOCK_BYTES = 200 * 1024 * 1024;

/**
 * How JSON becomes rows. A server's or user's profile may say otherwise, so everything the mapping relies on is said
 * here; that errors are never skipped above all, as a skipped row would be a lost one.
 */
const JSON_SETTINGS = {
  input_format_allow_errors_num: '0',
  input_format_allow_errors_ratio: 0,
  input_format_skip_unknown_fields: 1,
  input_format_null_as_default: 1,
  input_format_defaults_for_omitted_fields: 1,
  input_format_import_nested_json: 1,
  input_format_json_named_tuples_as_objects: 1,
  input_format_json_defaults_for_missing_elements_in_named_tuple: 1,
  input_format_json_ignore_unknown_keys_in_named_tuple: 1,
  input_format_json_read_bools_as_numbers: 1,
  input_format_json_read_numbers_as_strings: 1,
  date_time_input_format: 'best_effort',
} as const satisfies ClickHouseSettings;

/**
 * What a profile must not do: cut a statement's rows off, or end it early, and answer success all the same. `limit` in a
 * profile stored 3 rows of 20,000.
 */
const WHOLE_SETTINGS = {
  limit: '0',
  offset: '0',
  timeout_overflow_mode: 'throw',
  read_overflow_mode: 'throw',
  result_overflow_mode: 'throw',
  group_by_overflow_mode: 'throw',
  use_query_cache: 0,
} as const satisfies ClickHouseSettings;

/** One synchronous block, deduplicated by its token, answered when it is over. */
export const INSERT_SETTINGS = {
  ...WHOLE_SETTINGS,
  ...JSON_SETTINGS,
  async_insert: 0,
  wait_end_of_query: 1,
  insert_deduplicate: 1,
  deduplicate_blocks_in_dependent_materialized_views: 1,
  materialized_views_ignore_errors: 0,
  max_insert_threads: '1',
  max_insert_block_size: `${MAX_BLOCK_ROWS}`,
  min_insert_block_size_rows: `${MAX_BLOCK_ROWS}`,
  // By bytes a wide table would be cut into blocks earlier, and an error between two of them would keep the first.
  min_insert_block_size_bytes: '0',
} as const satisfies ClickHouseSettings;

/** Questions see what every answered insert stored, on replicated tables too where the inserts had a quorum. */
export const QUESTION_SETTINGS = {
  ...WHOLE_SETTINGS,
  select_sequential_consistency: '1',
  output_format_json_quote_64bit_integers: 0,
} as const satisfies ClickHouseSettings;
