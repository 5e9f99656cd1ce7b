import { expect } from 'vitest';
import { test } from '../../support/place.ts';

test('a place has a database, a namespace and names that no other place has', async ({ place }) => {
  await place.query(`CREATE TABLE ${place.database}.t (a Int32) ENGINE = MergeTree ORDER BY a`);
  const inserts = Array.from({ length: 4 }, (_, n) =>
    place.query(`INSERT INTO ${place.database}.t SELECT number + ${n * 100_000} FROM numbers(100000)`),
  );
  await Promise.all(inserts);
  expect(await place.query(`SELECT count(), uniqExact(a) FROM ${place.database}.t`)).toBe('400000\t400000\n');

  await place.admin('PUT', `persistent/${place.namespace}/events/partitions`, 4);
  expect(JSON.parse(await place.admin('GET', `persistent/${place.namespace}/partitioned`))).toEqual([
    place.topic('events'),
  ]);
});
