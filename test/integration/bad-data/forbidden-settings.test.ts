import { afterAll, beforeAll, describe, expect } from 'vitest';
import { acceptedSettings, checkSettings } from '../../../lib/clickhouse/accepted-settings.ts';
import { INSERT_SETTINGS } from '../../../lib/clickhouse/insert-settings.ts';
import { Questions } from '../../../lib/clickhouse/questions.ts';
import { Server } from '../../../lib/clickhouse/server.ts';
import {
  type OwnClickHouse,
  PASSWORD,
  startClickHouse,
  whyNotHere,
} from '../../support/clickhouse-of-users.ts';
import { EVENTS_DDL } from '../../support/events.ts';
import { test } from '../../support/place.ts';
import { UsersSubject } from './users-subject.ts';

const soon = () => Date.now() + 30_000;
const target = { database: 'any', table: 'any' };
const reason = await whyNotHere();
if (reason) process.stderr.write(`forbidden-settings.test.ts is left out: ${reason}\n`);

const fixed = (name: string, value: string) =>
  `<${name}>${value}</${name}><constraints><${name}><const/></${name}></constraints>`;

let clickhouse: OwnClickHouse;

beforeAll(async () => {
  if (reason) return;
  clickhouse = await startClickHouse({
    saturating: { profile: fixed('date_time_overflow_behavior', 'saturate') },
    throwing: { profile: fixed('date_time_overflow_behavior', 'throw') },
    filtered: { profile: fixed('additional_table_filters', "{'any.any': 'id != 7'}") },
    partitions: { profile: fixed('max_partitions_per_insert_block', '10') },
  });
});

afterAll(() => clickhouse?.stop());

async function as<Result>(user: string, run: (questions: Questions) => Promise<Result>): Promise<Result> {
  const server = new Server({ endpoints: [{ url: clickhouse.url }], username: user, password: PASSWORD });
  try {
    return await run(new Questions(server, target, () => Date.now()));
  } finally {
    await server.close();
  }
}

describe.skipIf(reason)('a setting that the user may not change', () => {
  test.for([
    ['saturating', 'date_time_overflow_behavior'],
    ['filtered', 'additional_table_filters'],
  ] as const)('is refused by name where it has another value: %s', async ([user, name]) => {
    expect(await as(user, (questions) => checkSettings(questions, {}, soon()))).toEqual([
      expect.objectContaining({ severity: 'error', message: expect.stringContaining(`may not set ${name}`) }),
    ]);
    // Sent all the same, so that the server refuses what it would do otherwise.
    const asked = as(user, (questions) => questions.ask('SELECT 1', {}, soon()));
    if (name === 'additional_table_filters') await expect(asked).rejects.toThrow(name);
    else expect(await asked).toHaveLength(1);
  });

  test('is as good as any where it has the value that is needed', async () => {
    expect(await as('throwing', (questions) => checkSettings(questions, {}, soon()))).toEqual([]);
    expect(await as('throwing', (questions) => questions.ask('SELECT 1 AS one', {}, soon()))).toHaveLength(1);
  });

  test('is done without where only a limit comes of it, with a warning', async () => {
    expect(await as('partitions', (questions) => checkSettings(questions, {}, soon()))).toEqual([
      expect.objectContaining({
        severity: 'warning',
        message: expect.stringContaining('max_partitions_per_insert_block'),
      }),
    ]);
    const sent = await as('partitions', (questions) => acceptedSettings(questions, INSERT_SETTINGS, soon()));
    expect(Object.keys(INSERT_SETTINGS).filter((name) => !(name in sent))).toEqual([
      'max_partitions_per_insert_block',
    ]);
  });

  test('halts a partition whose batch is over the limit, with the words of the server, and goes on without it', async ({
    place,
  }) => {
    const subject = new UsersSubject(place, clickhouse.url, 'limited');
    await subject.makeTopic();
    await subject.init('admin', EVENTS_DDL.replace('ORDER BY id', 'PARTITION BY id ORDER BY id'));
    await subject.publish();
    expect(await subject.consume('partitions')).toMatchObject({
      outcome: 'halted',
      halt: { code: 'PH_HALT_REFUSED', reason: expect.stringContaining('max_partitions_per_insert_block') },
    });
    await subject.resume();
    expect(await subject.consume('admin')).toMatchObject({ outcome: 'drained' });
    expect(await subject.count()).toBe('20\t20');
  });

  test('is not sent where the server has no such setting', async () => {
    const wanted = { limit: '0', no_such_setting: 1 };
    expect(await as('admin', (questions) => acceptedSettings(questions, wanted, soon()))).toEqual({
      limit: '0',
    });
  });
});
