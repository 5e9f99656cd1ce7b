import { describe, expect } from 'vitest';
import { test } from '../../support/place.ts';
import { Subject, type Table } from './table-subject.ts';

describe('a batch', () => {
  test('over 400 table partitions is stored', async ({ place }) => {
    const subject = new Subject(place, {
      fields: { id: 'UInt64', time: 'DateTime' },
      columns: { id: 'id', time: 'time' },
      definition: 'id UInt64, time DateTime',
      tail: 'PARTITION BY toYYYYMMDD(time) ORDER BY id',
    });
    const day = (id: number) => new Date(Date.UTC(2025, 9, 1 + (id % 400))).toISOString().slice(0, 10);
    await subject.begin(Array.from({ length: 2000 }, (_, id) => ({ id, time: `${day(id)} 00:00:00` })));
    expect(await subject.consume()).toMatchObject({ outcome: 'drained', rows: 2000 });
    const counted = `SELECT count(), uniqExact(id), uniqExact(toDate(time)) FROM ${place.database}.outcomes FORMAT TSV`;
    expect((await place.query(counted)).trim()).toBe('2000\t2000\t400');
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 2000 });
  });
});

describe('a time that its column cannot hold', () => {
  const TIMES: readonly Table[] = [
    {
      fields: { id: 'UInt64', time: 'DateTime64(3)' },
      columns: { id: 'id', day: 'toDate(time)' },
      definition: 'id UInt64, day Date',
      tail: 'ORDER BY id',
    },
    {
      fields: { id: 'UInt64', time: 'DateTime64(3)' },
      columns: { id: 'id', time: 'time' },
      definition: 'id UInt64, time DateTime64(3), day Date DEFAULT toDate(time)',
      tail: 'PARTITION BY day ORDER BY id',
    },
  ];
  test.for(TIMES)(
    'is a dead letter, and no other time: $fields.time into $definition',
    async (table, { place }) => {
      const subject = new Subject(place, table);
      const messages = Array.from({ length: 20 }, (_, id) => ({ id, time: '2026-11-01 00:00:00' }));
      messages[7] = { id: 7, time: '2299-01-01 00:00:00' };
      await subject.begin(messages);
      expect(await subject.consume()).toMatchObject({ outcome: 'drained', rows: 19, deadLetters: 1 });
      expect((await place.query(`SELECT count() FROM ${place.database}.outcomes WHERE id = 7`)).trim()).toBe(
        '0',
      );
    },
  );

  test.for([
    { field: 'DateTime', by: 'text' },
    { field: 'DateTime64(3)', by: 'a column that is narrower than its expression' },
  ])('is the last one where no function converts it, but $by', async ({ field }, { place }) => {
    const subject = new Subject(place, {
      fields: { id: 'UInt64', time: field },
      columns: { id: 'id', time: 'time' },
      definition: 'id UInt64, time DateTime',
      tail: 'ORDER BY id',
    });
    await subject.begin([{ id: 7, time: '2299-01-01 00:00:00' }]);
    expect(await subject.consume()).toMatchObject({ outcome: 'drained', rows: 1 });
    const found = await place.query(`SELECT toUnixTimestamp(time) FROM ${place.database}.outcomes`);
    expect(Number(found)).toBe(2 ** 32 - 1);
  });
});
