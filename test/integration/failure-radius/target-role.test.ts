import { afterAll, beforeAll, describe, expect } from 'vitest';
import { grantsFor } from '../../../lib/clickhouse/grants.ts';
import { type OwnClickHouse, startClickHouse, whyNotHere } from '../../support/clickhouse-of-users.ts';
import { publishPayloads } from '../../support/events.ts';
import { type Place, test } from '../../support/place.ts';
import { UsersSubject } from '../bad-data/users-subject.ts';

const reason = await whyNotHere();
if (reason) process.stderr.write(`target-role.test.ts is left out: ${reason}\n`);

const grants = (table: string) =>
  grantsFor({ database: 'hidden', table }).map(
    ({ privilege, on }) => `${privilege} ON ${on.replaceAll('`', '')}`,
  );

let clickhouse: OwnClickHouse;

beforeAll(async () => {
  if (reason) return;
  clickhouse = await startClickHouse(
    // By default a user has the rights of all its roles.
    { worker: { grants: ['storing', 'writing'] }, outsider: { grants: ['storing'] } },
    {
      storing: grants('enough'),
      writing: grants('blind').filter((grant) => grant !== 'SELECT ON hidden.blind'),
    },
  );
});

afterAll(() => clickhouse?.stop());

async function openSubject(place: Place, table: string, role: string): Promise<UsersSubject> {
  await new UsersSubject(place, clickhouse.url, table).makeTopic();
  await new UsersSubject(place, clickhouse.url, table).init('admin');
  return new UsersSubject(place, clickhouse.url, table, { role });
}

describe.skipIf(reason)('target.role', () => {
  test('is the role that rows are stored, counted and tried with', async ({ place }) => {
    const subject = await openSubject(place, 'enough', 'storing');
    await subject.init('worker');
    await publishPayloads(place.environment, `${subject.pipeline.topic}-partition-0`, [
      '{"id":1}',
      '{"id":"no number"}',
    ]);
    expect(await subject.consume('worker')).toMatchObject({ outcome: 'drained', rows: 1, deadLetters: 1 });
    expect(await subject.audit('worker')).toMatchObject({ exact: true });
  });

  test('that may not read the table stores nothing, whatever the other roles of the user may', async ({
    place,
  }) => {
    const subject = await openSubject(place, 'blind', 'writing');
    await subject.publish();
    await expect(subject.consume('worker')).rejects.toMatchObject({
      code: 'PH_CLICKHOUSE_ACCESS',
      message: expect.stringContaining('SELECT'),
    });
    expect(await subject.count()).toBe('0\t0');
  });

  test('that the user does not have, or that there is not, is a missing right', async ({ place }) => {
    for (const [table, role] of [
      ['foreign', 'writing'],
      ['absent', 'no_such_role'],
    ] as const) {
      const subject = await openSubject(place, table, role);
      await subject.publish();
      await expect(subject.consume('outsider')).rejects.toMatchObject({ code: 'PH_CLICKHOUSE_ACCESS' });
      expect(await subject.count()).toBe('0\t0');
    }
  });
});
