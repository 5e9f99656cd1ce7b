import { describe, expect } from 'vitest';
import { INSERT_SETTINGS, QUESTION_SETTINGS } from '../../../lib/clickhouse/insert-settings.ts';
import { test } from '../clickhouse/sink-table.ts';

/** Settings with such names change what is stored, how a body is cut, or what a question counts. */
const MATTERS = [
  'overflow_mode',
  'overflow_behavior',
  'check_overflow',
  '^additional_',
  '^(limit|offset|final|dialect)$',
  '^input_format_',
  '^(type_)?json_type_|^type_json_',
  '^cast_|_keep_nullable|default_nullable|null_as_default|null_in$|null_for_empty',
  'variant|dynamic',
  '^bool_',
  'date_time_|timezone|time_zone',
  'float_parsing',
  'from_numbers_to_enum',
  'insert',
  'deduplicat',
  'partitions_per',
  'block_size_(rows|bytes)|max_block_size',
  'partial_result|cold_parts|deleted_mask|approximate|empty_result|sequential_consistency',
  'query_cache$',
];

/** Why the others of them need not be pinned. A name that starts so, or is so. */
const HARMLESS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    'arrow avro bson binary capn_proto csv custom geojson hive_text msgpack mysql_dump native orc parquet protobuf tsv values with'
      .split(' ')
      .map((format) => [`input_format_${format}_`, 'another input format']),
  ),
  input_format_json_compact_: 'JSONCompact*',
  input_format_json_validate_types_from_metadata: 'JSON with metadata',
  input_format_allow_seeks: 'files',
  input_format_record_errors_file_path: 'only with errors that are skipped',
  input_format_max_bytes_to_read_for_schema_inference: 'input() names every type',
  input_format_max_rows_to_read_for_schema_inference: 'input() names every type',
  input_format_parallel_parsing: 'the same rows by more threads',
  aggregate_function_input_format: 'columns of aggregate states',
  async_insert_: 'async_insert is 0',
  wait_for_async_insert: 'async_insert is 0',
  max_insert_block_size_rows: 'another name of max_insert_block_size',
  max_block_size: 'of what is read; what is parsed has a limit of its own',
  preferred_block_size_bytes: 'of what is read',
  preferred_max_column_in_block_size_bytes: 'of what is read',
  insert_deduplication_token: 'sent with every insert',
  insert_select_deduplicate: 'refused where the profile switches it off',
  deduplicate_insert: 'refused where the profile switches it off',
  insert_quorum: 'how safely a replica stores is the administrator’s choice',
  insert_keeper_: 'the server’s own retries',
  insert_allow_materialized_columns: 'a mapped MATERIALIZED column is refused',
  optimize_trivial_insert_select: 'of INSERT SELECT without expressions',
  throw_on_max_partitions_per_insert_block: 'there is no limit',
  min_free_disk_: 'ends in an error',
  max_insert_threads_min_free_memory_per_thread: 'one thread',
  max_insert_delayed_streams_for_parallel_write: 'object storage',
  materialize_: 'indexes and statistics, which hold no rows',
  exclude_materialize_skip_indexes_on_insert: 'indexes hold no rows',
  max_dynamic_subcolumns_in_json_type_parsing: 'how paths are laid out',
  optimize_normalize_count_variants: 'the same count',
  variant_throw_on_type_mismatch: 'of functions over a Variant, which raise or give NULL',
  dynamic_throw_on_type_mismatch: 'of functions over a Dynamic, which raise or give NULL',
  dynamic_disk_: 'disks',
  update_sequential_consistency: 'updates',
  date_time_output_format: 'no question reads a time',
  date_time_64_output_format_: 'no question reads a time',
  input_format_hive_: 'another input format',
  merge_tree_use_v1_object_and_dynamic_serialization: 'how paths are laid out',
  parts_to_: 'ends in an error',
  dead_blobs_to_: 'ends in an error',
  empty_result_for_aggregation_by_constant_keys_on_empty_set: 'no question groups by constants',
  allow_settings_after_format_in_insert: 'none are there',
  enable_writes_to_query_cache: 'use_query_cache is 0',
  enable_reads_from_query_cache: 'use_query_cache is 0',
  engine_file_truncate_on_insert: 'another engine',
  use_structure_from_insertion_table_in_table_functions: 'input() names every type',
  throw_if_no_data_to_insert: 'a body without rows stores nothing',
  use_client_time_zone: 'of the command line client',
};

const ELSEWHERE =
  /^(output_format|distributed|delta_lake|iceberg|s3|azure|hdfs|kafka|mysql|postgresql|parallel_|filesystem|stream_like|max_live_view|min_external|min_joined|max_joined|query_cache_|send_table|shared_merge_tree|skip_download|allow_experimental|allow_insert_into_iceberg|allow_dynamic_type|allow_suspicious|enable_(dynamic|variant)_type|use_variant|throw_if_deduplication|update_insert_deduplication|materialized_views_squash|insert_(distributed|shard)|use_legacy|allow_nonconst_timezone|use_top_k_dynamic|.*_for_materialized_views|.*schema_inference)/;

describe('every setting of the server that changes what is stored or counted', () => {
  test('is pinned, or it is known why it need not be', async ({ openTable }) => {
    const { query } = await openTable({ window: 100 });
    const names = (
      await query(`SELECT name FROM system.settings WHERE match(name, '${MATTERS.join('|')}') FORMAT TSV`)
    )
      .split('\n')
      .filter((name) => name !== '');
    expect(names.length).toBeGreaterThan(100);
    const pinned = { ...INSERT_SETTINGS, ...QUESTION_SETTINGS };
    const harmless = Object.keys(HARMLESS);
    const open = names.filter(
      (name) =>
        !(name in pinned) && !ELSEWHERE.test(name) && !harmless.some((start) => name.startsWith(start)),
    );
    expect(open).toEqual([]);
  });

  test('and none is pinned that this server does not know', async ({ openTable }) => {
    const { query } = await openTable({ window: 100 });
    const known = (await query('SELECT name FROM system.settings FORMAT TSV')).split('\n');
    const pinned = Object.keys({ ...INSERT_SETTINGS, ...QUESTION_SETTINGS });
    // The interface's own.
    expect(pinned.filter((name) => !known.includes(name))).toEqual(['wait_end_of_query']);
  });
});
