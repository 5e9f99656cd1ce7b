import { describe, expect, it } from 'vitest';
import { JsonBody } from '../../../lib/clickhouse/encode/json-body.ts';
import { failingColumn } from '../../../lib/clickhouse/trial/failing-column.ts';
import { rowsOfSameValues } from '../../../lib/clickhouse/trial/same-values.ts';
import { temporaryLike } from '../../../lib/clickhouse/trial/trial-tables.ts';
import { entryOf } from '../../contract/sink/messages.ts';

function bodyOf(...payloads: readonly string[]): JsonBody {
  const body = new JsonBody(0);
  body.add(entryOf(1, 0, payloads));
  return body;
}

describe('rows that fail as another one does', () => {
  it('hold the same values in the fields of the expression, whatever else they hold', () => {
    const body = bodyOf(
      '{"id":1,"x":"n/a"}',
      '{"id":2,"x":"12"}',
      '{ "x" : "n/a" , "id":3}',
      '{"id":4,"x":"n/a","y":"n/a"}',
      '{"id":5,"y":"n/a"}',
    );
    expect(rowsOfSameValues(body, 0, { x: 'String' })).toEqual([2, 3]);
    expect(rowsOfSameValues(body, 1, { x: 'String' })).toEqual([]);
  });

  it('are not looked for where equal values may be read as different ones', () => {
    const long = '{"x":12345678901234567890}';
    expect(rowsOfSameValues(bodyOf(long, long), 0, { x: 'UInt64' })).toBeUndefined();
    expect(rowsOfSameValues(bodyOf('{"x":1}', '{"x":1.0}'), 0, { x: 'String' })).toBeUndefined();
    expect(rowsOfSameValues(bodyOf('{"x":[1]}', '{"x":[1]}'), 0, { x: 'Array(Int8)' })).toBeUndefined();
    expect(rowsOfSameValues(bodyOf('{"y":1}', '{"y":1}'), 0, { x: 'Int64' })).toBeUndefined();
    expect(rowsOfSameValues(bodyOf('{"x":7}', '{"x":7}'), 0, { x: 'Int64' })).toEqual([1]);
  });

  it('have the field once: of two the server reads another one than we would', () => {
    const body = bodyOf(
      '{"x":"n/a"}',
      '{"x":"12","x":"n/a"}',
      '{"\\u0078":"n/a"}',
      '{"z":"\\"x\\"","x":"n/a"}',
    );
    expect(rowsOfSameValues(body, 0, { x: 'String' })).toEqual([3]);
  });
});

describe('the column that fails', () => {
  it.for([0, 1, 6, 12])('is found among many: number %i', async (failing) => {
    const columns = Array.from({ length: 13 }, (_, index) => `c${index}`);
    const failsIn = async (some: readonly string[]) => some.includes(`c${failing}`);
    expect(await failingColumn(columns, failsIn)).toBe(`c${failing}`);
  });

  it('is none where no expression fails by itself', async () => {
    expect(await failingColumn(['a', 'b'], async () => false)).toBeUndefined();
  });
});

describe('a temporary table like the target', () => {
  it('has its columns, keys and constraints, and an engine without replicas', () => {
    const create =
      "CREATE TABLE db.`odd (name)` (`s` String DEFAULT ') ENGINE = Log', `id` UInt64) ENGINE = ReplicatedMergeTree('/clickhouse/{uuid}/(x)', '{replica}') PARTITION BY id ORDER BY (id, s) SETTINGS index_granularity = 8192";
    expect(temporaryLike(create, 'trial')).toBe(
      "CREATE TEMPORARY TABLE trial (`s` String DEFAULT ') ENGINE = Log', `id` UInt64) ENGINE = MergeTree PARTITION BY id ORDER BY (id, s) SETTINGS index_granularity = 8192",
    );
    expect(temporaryLike('CREATE TABLE db.t (`id` UInt64) ENGINE = MergeTree ORDER BY id', 'trial')).toBe(
      'CREATE TEMPORARY TABLE trial (`id` UInt64) ENGINE = MergeTree ORDER BY id',
    );
  });
});
