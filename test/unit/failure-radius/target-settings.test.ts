import { expect, it } from 'vitest';
import { INSERT_SETTINGS, QUESTION_SETTINGS } from '../../../lib/clickhouse/insert-settings.ts';
import { parsePipeline } from '../../../lib/configuration/parse.ts';
import { refusalOf } from '../../../lib/configuration/target-settings.ts';

const parse = (target: object) =>
  parsePipeline(
    JSON.stringify({
      name: 'iot',
      topic: 'events',
      target: { database: 'd', table: 't', ...target },
      source: { fields: { id: 'UInt64' } },
      columns: { id: 'id' },
    }),
    'pipeline.yml',
  );

it('target.settings and target.role are taken as they are written, flags as 0 and 1', () => {
  const { pipeline, problems } = parse({
    role: 'writer',
    settings: { insert_quorum: 'auto', insert_quorum_parallel: false, max_threads: 4, log_comment: 'iot' },
  });
  expect(problems).toEqual([]);
  expect(pipeline).toMatchObject({
    target: { database: 'd', table: 't' },
    targetOptions: {
      role: 'writer',
      settings: { insert_quorum: 'auto', insert_quorum_parallel: '0', max_threads: '4', log_comment: 'iot' },
    },
  });
  expect(Object.keys(pipeline?.target ?? {})).toEqual(['database', 'table']);
});

it.each([
  ['async_insert', 1, 'stored when it is answered'],
  ['wait_for_async_insert', 0, 'stored when it is answered'],
  ['insert_deduplicate', 0, 'token'],
  ['insert_deduplication_token', 'mine', 'token'],
  ['deduplicate_insert', 'disable', 'token'],
  ['max_insert_block_size', 1000, 'one block'],
  ['min_insert_block_size_bytes', 1000, 'one block'],
  ['max_insert_threads', 4, 'one block'],
  ['max_partitions_per_insert_block', 10, 'one block'],
  ['limit', 3, 'leave rows out'],
  ['max_rows_to_read', 3, 'leave rows out'],
  ['read_overflow_mode', 'break', 'leave rows out'],
  ['additional_table_filters', '{}', 'leave rows out'],
  ['materialized_views_ignore_errors', true, 'leave rows out'],
  ['input_format_allow_errors_num', 10, 'leave rows out'],
  ['select_sequential_consistency', 0, 'leave rows out'],
  ['max_execution_time', 5, 'batch.insertTimeout'],
  ['date_time_overflow_behavior', 'saturate', 'what a value becomes'],
  ['session_timezone', 'Asia/Tokyo', 'belongs to the request'],
  ['input_format_null_as_default', 0, 'what a value becomes'],
  ['query', 'DROP TABLE d.t', 'belongs to the request'],
  ['param_partition', 7, 'belongs to the request'],
  ['session_id', 'x', 'belongs to the request'],
  ['some_setting_of_tomorrow', 1, 'not one of those that are known'],
])('the setting %s is refused by name', (name, value, reason) => {
  const { pipeline, problems } = parse({ settings: { [name]: value } });
  expect(pipeline).toBeUndefined();
  expect(problems).toEqual([
    expect.objectContaining({
      severity: 'error',
      key: `target.settings.${name}`,
      message: expect.stringMatching(new RegExp(`is refused: .*${reason}`)),
    }),
  ]);
});

it.each([
  ['insert_quorum_parallel', true, 'write 0'],
  ['max_memory_usage', 1000, 'at least 1073741824'],
  ['max_threads', 'many', 'write a whole number'],
  ['log_queries', 2, 'write true or false'],
])('the value of %s is looked at', (name, value, fix) => {
  const { problems } = parse({ settings: { [name]: value } });
  expect(problems).toEqual([expect.objectContaining({ message: expect.stringContaining(fix) })]);
});

it.each(Object.keys({ ...INSERT_SETTINGS, ...QUESTION_SETTINGS }))(
  '%s, which is pinned, is refused',
  (name) => {
    expect(refusalOf(name)).toBeDefined();
  },
);
