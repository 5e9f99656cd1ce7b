import { describe, expect } from 'vitest';
import { test } from '../../support/place.ts';
import { Subject } from './table-subject.ts';

const DAY = 24 * 60 * 60_000;
const text = (time: number) => new Date(time).toISOString().replace('T', ' ').slice(0, 19);

describe('rows that the table’s own TTL took', () => {
  test('are expired and not missing, for audits and repairs, and others are missing all the same', async ({
    place,
  }) => {
    const subject = new Subject(place, {
      fields: { id: 'UInt64', seconds: 'Int64' },
      columns: { id: 'id', time: 'fromUnixTimestamp64Milli(seconds * 1000)' },
      definition: 'id UInt64, time DateTime64(3), day Date DEFAULT toDate(time)',
      tail: 'ORDER BY id TTL day + INTERVAL 30 DAY DELETE WHERE id != 40',
      settings: 'merge_with_ttl_timeout = 0',
    });
    const now = Date.now();
    const seconds = (id: number) => Math.floor((now - (id % 20 === 0 ? 60 : 1) * DAY) / 1000);
    await subject.begin(Array.from({ length: 1000 }, (_, id) => ({ id, seconds: seconds(id) })));
    expect(await subject.consume()).toMatchObject({ outcome: 'drained', rows: 1000 });
    const table = `${place.database}.outcomes`;
    await place.query(`OPTIMIZE TABLE ${table} FINAL`);
    expect(Number(await place.query(`SELECT count() FROM ${table}`))).toBe(951);

    expect(await subject.audit()).toMatchObject({
      ...{ exact: true, expected: 1000, rows: 951, missing: 0, expired: 49 },
    });
    const { ranges } = await subject.planRepair();
    expect(ranges.map(({ leftOut }) => leftOut)).toEqual(['nothing is missing that Pulsar has']);

    await place.query(`ALTER TABLE ${table} DELETE WHERE id IN (40, 41, 42) SETTINGS mutations_sync = 2`);
    expect(await subject.audit()).toMatchObject({ exact: false, missing: 3, expired: 49 });
    expect(await subject.planRepair()).toMatchObject({ missing: 3 });
  });

  test('of other entries are no excuse for an entry whose rows are young', async ({ place }) => {
    const subject = new Subject(place, {
      fields: { id: 'UInt64', time: 'DateTime' },
      columns: { id: 'id', time: 'time' },
      definition: 'id UInt64, time DateTime',
      tail: 'ORDER BY id TTL time + INTERVAL 30 DAY',
      settings: 'merge_with_ttl_timeout = 0',
    });
    const time = (id: number) => text(Date.now() - (id < 1000 ? 60 : 1) * DAY);
    await subject.begin(Array.from({ length: 2000 }, (_, id) => ({ id, time: time(id) })));
    await subject.consume();
    const table = `${place.database}.outcomes`;
    await place.query(`OPTIMIZE TABLE ${table} FINAL`);
    await place.query(`ALTER TABLE ${table} DELETE WHERE id >= 1500 SETTINGS mutations_sync = 2`);
    expect(await subject.audit()).toMatchObject({ missing: 500, expired: 1000, exact: false });
    const plan = await subject.planRepair();
    expect(plan.missing).toBe(500);
    expect(plan.ranges.length).toBe(1);
  });
});
