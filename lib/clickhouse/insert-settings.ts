import { type ClickHouseSettings, SettingsMap } from '@clickhouse/client';

/** Rows of one insert that the server still makes one block of, and so one part of one table partition. */
export const MAX_BLOCK_ROWS = 1_048_449;

/** Body bytes of one insert that still became one block; 383 MB became two whatever the settings. */
export const MAX_BLOCK_BYTES = 200 * 1024 * 1024;

/**
 * How JSON becomes values. A server's or user's profile may say otherwise, so everything the mapping relies on is said
 * here; that errors are never skipped above all, as a skipped row would be a lost one.
 */
const JSON_SETTINGS = {
  input_format_allow_errors_num: '0',
  input_format_allow_errors_ratio: 0,
  // The rest of a body that broke off would be stored as if it were whole.
  input_format_connection_handling: 0,
  // Blocks are cut by these, and an error between two of them keeps the first.
  input_format_max_block_size_bytes: '0',
  input_format_max_block_wait_ms: '0',
  // What is not named is not read: from 26.5 on a server takes a key `ID` for the field `id` unless it is told not to.
  input_format_column_name_matching_mode: 'match_case',
  input_format_skip_unknown_fields: 1,
  input_format_null_as_default: 1,
  input_format_defaults_for_omitted_fields: 1,
  input_format_force_null_for_omitted_fields: 0,
  input_format_import_nested_json: 1,
  input_format_ipv4_default_on_conversion_error: 0,
  input_format_ipv6_default_on_conversion_error: 0,
  input_format_json_named_tuples_as_objects: 1,
  input_format_json_defaults_for_missing_elements_in_named_tuple: 1,
  input_format_json_ignore_unknown_keys_in_named_tuple: 1,
  // The first of two equal keys counts, and so the positions that stand first in every row.
  input_format_json_ignore_unnecessary_fields: 1,
  input_format_json_empty_as_default: 0,
  input_format_json_map_as_array_of_tuples: 0,
  input_format_json_max_depth: '1000',
  input_format_json_read_arrays_as_strings: 1,
  input_format_json_read_bools_as_numbers: 1,
  input_format_json_read_bools_as_strings: 1,
  input_format_json_read_numbers_as_strings: 1,
  input_format_json_read_objects_as_strings: 1,
  input_format_json_throw_on_bad_escape_sequence: 1,
} as const satisfies ClickHouseSettings;

/** Which types JSON, Dynamic and Variant give to the values in them. */
const INFERENCE_SETTINGS = {
  input_format_json_infer_array_of_dynamic_from_array_of_different_types: 1,
  input_format_json_infer_incomplete_types_as_strings: 1,
  input_format_json_try_infer_named_tuples_from_objects: 1,
  input_format_json_try_infer_numbers_from_strings: 0,
  input_format_json_use_string_type_for_ambiguous_paths_in_named_tuples_inference_from_objects: 0,
  // A text stays a text. Where one looked like a time, the server reads those behind it as times too: "1" as January 1st.
  input_format_try_infer_dates: 0,
  input_format_try_infer_datetimes: 0,
  input_format_try_infer_datetimes_only_datetime64: 0,
  input_format_try_infer_exponent_floats: 0,
  input_format_try_infer_integers: 1,
  input_format_try_infer_variants: 0,
  allow_special_bool_values_inside_variant: 0,
  cast_string_to_dynamic_use_inference: 0,
  cast_string_to_variant_use_inference: 1,
  json_type_escape_dots_in_keys: 0,
  type_json_allow_duplicated_key_with_literal_and_nested_object: 1,
  type_json_skip_duplicated_paths: 0,
  // A value that is not of the path's type would be left out without a word.
  type_json_skip_invalid_typed_paths: 0,
  type_json_use_partial_match_to_skip_paths_by_regexp: 1,
} as const satisfies ClickHouseSettings;

/** What a value becomes on the way into its column. */
const VALUE_SETTINGS = {
  bool_true_representation: 'true',
  bool_false_representation: 'false',
  cast_ipv4_ipv6_default_on_conversion_error: 0,
  cast_keep_nullable: 0,
  cast_string_to_date_time_mode: 'best_effort',
  check_conversion_from_numbers_to_enum: 1,
  data_type_default_nullable: 0,
  date_time_input_format: 'best_effort',
  // A time that its column cannot hold is a bad value. The server's own default stores another time.
  date_time_overflow_behavior: 'throw',
  decimal_check_overflow: 1,
  insert_null_as_default: 1,
  precise_float_parsing: 1,
  // The server's zone: a retry by another user would put the row into another table partition.
  session_timezone: '',
  transform_null_in: 0,
} as const satisfies ClickHouseSettings;

/** Those that every version knows: the question for the rest is asked with them. */
export const PLAIN_SETTINGS = {
  limit: '0',
  offset: '0',
  group_by_overflow_mode: 'throw',
  read_overflow_mode: 'throw',
  result_overflow_mode: 'throw',
  timeout_overflow_mode: 'throw',
} as const satisfies ClickHouseSettings;

/**
 * What a profile must not do: cut a statement's rows off, hide some, or end it early, and answer success all the same.
 * `limit` in a profile stored 3 rows of 20,000.
 */
const WHOLE_SETTINGS = {
  ...PLAIN_SETTINGS,
  dialect: 'clickhouse',
  additional_result_filter: '',
  additional_table_filters: SettingsMap.from({}),
  distinct_overflow_mode: 'throw',
  join_overflow_mode: 'throw',
  read_overflow_mode_leaf: 'throw',
  set_overflow_mode: 'throw',
  sort_overflow_mode: 'throw',
  timeout_overflow_mode_leaf: 'throw',
  transfer_overflow_mode: 'throw',
  partial_result_on_first_cancel: 0,
  use_query_cache: 0,
} as const satisfies ClickHouseSettings;

/** One synchronous block, deduplicated by its token, answered when it is over. */
export const INSERT_SETTINGS = {
  ...WHOLE_SETTINGS,
  ...JSON_SETTINGS,
  ...INFERENCE_SETTINGS,
  ...VALUE_SETTINGS,
  async_insert: 0,
  wait_end_of_query: 1,
  insert_deduplicate: 1,
  deduplicate_blocks_in_dependent_materialized_views: 1,
  materialized_views_ignore_errors: 0,
  max_insert_threads: '1',
  max_insert_block_size: `${MAX_BLOCK_ROWS}`,
  max_insert_block_size_bytes: '0',
  min_insert_block_size_rows: `${MAX_BLOCK_ROWS}`,
  // By bytes a wide table would be cut into blocks earlier, and an error between two of them would keep the first.
  min_insert_block_size_bytes: '0',
  // A token stands for a block then. Otherwise (26.7) for the pieces in which the body was read: some five of 50 MB, one of a
  // small part of it that is sent again, and the server would take those for different inserts.
  use_strict_insert_block_limits: 1,
  // What a batch's bounds are is written before its rows are known: a limit would stop the partition for good.
  max_partitions_per_insert_block: '0',
  // Folds nothing in a plain MergeTree; a folding table behind a view is fed as by any other insert.
  optimize_on_insert: 1,
} as const satisfies ClickHouseSettings;

/**
 * Questions see what every answered insert stored. On replicated tables only where the inserts had `insert_quorum` and
 * `insert_quorum_parallel = 0`; otherwise a replica that lags answers too few rows.
 */
export const QUESTION_SETTINGS = {
  ...WHOLE_SETTINGS,
  select_sequential_consistency: '1',
  aggregate_functions_null_for_empty: 0,
  apply_deleted_mask: 1,
  empty_result_for_aggregation_by_empty_set: 0,
  final: 0,
  ignore_cold_parts_seconds: '0',
  optimize_trivial_approximate_count_query: 0,
  output_format_json_array_of_rows: 0,
  output_format_json_quote_64bit_integers: 0,
  transform_null_in: 0,
} as const satisfies ClickHouseSettings;

/** Left out where the server or the user's constraints forbid it: without it less works, and nothing is stored wrongly. */
export const DISPENSABLE: ReadonlySet<string> = new Set(['max_partitions_per_insert_block']);

/**
 * How a trial reads rows. ClickHouse's reader of floating point numbers judges an odd text such as `"+-inf"` by how much of
 * the body it has at hand: cut into pieces for several threads, a body may be refused whose rows all pass.
 */
export const TRIAL_SETTINGS = {
  input_format_parallel_parsing: 0,
  max_threads: 1,
} as const satisfies ClickHouseSettings;

/**
 * Makes a trial's blocks small. The server counts the rows of the blocks that passed, so an error leaves few to suspect.
 * Never for an insert: that is one block.
 */
export function blocksOf(rows: number): ClickHouseSettings {
  return {
    max_block_size: `${rows}`,
    max_insert_block_size: `${rows}`,
    min_insert_block_size_rows: `${rows}`,
  };
}
