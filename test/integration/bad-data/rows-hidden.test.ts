import { afterAll, beforeAll, describe, expect } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { Questions } from '../../../lib/clickhouse/questions.ts';
import { rowCopy } from '../../../lib/clickhouse/row-copy.ts';
import { rowFilter } from '../../../lib/clickhouse/row-filter.ts';
import { Server } from '../../../lib/clickhouse/server.ts';
import {
  type OwnClickHouse,
  PASSWORD,
  startClickHouse,
  whyNotHere,
} from '../../support/clickhouse-of-users.ts';
import { test } from '../../support/place.ts';
import { UsersSubject } from './users-subject.ts';

const SOME = 'id % 10 != 7';
const soon = () => environment.now() + 60_000;
const reason = await whyNotHere();
if (reason) process.stderr.write(`rows-hidden.test.ts is left out: ${reason}\n`);

let server: OwnClickHouse;

beforeAll(async () => {
  if (reason) return;
  const filters = Object.fromEntries(['once', 'later', 'seen'].map((table) => [`hidden.${table}`, SOME]));
  const everything = Object.fromEntries(Object.keys(filters).map((table) => [table, '1']));
  server = await startClickHouse({
    plain: { filters: everything },
    tenant: { filters },
    least: { filters, grants: ['SELECT, INSERT ON hidden.seen', 'CREATE TEMPORARY TABLE ON *.*'] },
  });
});

afterAll(() => server?.stop());

describe.skipIf(reason)('a user from whom a row policy hides rows', () => {
  test('is refused by init with the filter, with and without rows', async ({ place }) => {
    const subject = new UsersSubject(place, server.url, 'seen');
    await subject.makeTopic();
    const refused = {
      code: 'PH_TABLE_UNFIT',
      message: expect.stringMatching(/sees only the rows with id (% 10|MOD 10)/),
    };
    await expect(subject.init('tenant')).rejects.toMatchObject(refused);
    await subject.init('plain');
    await subject.publish();
    expect(await subject.consume('plain')).toMatchObject({ outcome: 'drained', rows: 20 });
    await expect(subject.init('tenant')).rejects.toMatchObject(refused);
    const least = new Server({ endpoints: [server], username: 'least', password: PASSWORD });
    const questions = new Questions(least, subject.pipeline.target, () => environment.now());
    expect(await rowFilter(questions, subject.pipeline.target, soon())).toContain('7');
    const target = { database: 'hidden', table: 'copy' };
    const copy = rowCopy(least, subject.pipeline.target, { target }, () => environment.now());
    await expect(copy.columnsLeftOut(soon())).rejects.toMatchObject({ code: 'PH_ROWS_HIDDEN' });
    await least.close();
  });

  test('stores 20 messages as 20 rows and halts', async ({ place }) => {
    const subject = new UsersSubject(place, server.url, 'once');
    await subject.makeTopic();
    await subject.init('plain');
    await subject.publish();
    for (let tick = 0; tick < 2; tick += 1) {
      expect(await subject.consume('tenant')).toMatchObject({
        outcome: 'halted',
        halt: { code: 'PH_HALT_ROWS_HIDDEN', reason: expect.stringContaining('7') },
      });
    }
    expect(await subject.count()).toBe('20\t20');
    await subject.resume();
    expect(await subject.consume('plain')).toMatchObject({ outcome: 'drained' });
    expect(await subject.count()).toBe('20\t20');
    expect(await subject.audit('plain')).toMatchObject({ exact: true, rows: 20 });
  });

  test('who comes later doubles nothing, and nobody repairs what is only hidden', async ({ place }) => {
    const subject = new UsersSubject(place, server.url, 'later');
    await subject.makeTopic();
    await subject.init('plain');
    await subject.publish();
    await subject.consume('plain');
    await subject.publish();
    expect(await subject.consume('tenant')).toMatchObject({ halt: { code: 'PH_HALT_ROWS_HIDDEN' } });
    await expect(subject.audit('tenant')).rejects.toMatchObject({ code: 'PH_ROWS_HIDDEN' });
    await expect(subject.planRepair('tenant')).rejects.toMatchObject({ code: 'PH_ROWS_HIDDEN' });
    expect(await subject.count()).toBe('40\t40');
    await subject.resume();
    await subject.consume('plain');
    expect(await subject.audit('plain')).toMatchObject({ exact: true, rows: 40 });
  });
});
