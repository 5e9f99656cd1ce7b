import { describe, expect, inject, onTestFinished } from 'vitest';
import { freePort } from '../../../infra/local/ports.ts';
import { Server } from '../../../lib/clickhouse/server.ts';
import { type Gateway, openGateway } from '../../support/clickhouse-gateway.ts';
import { PASSWORD, startClickHouse, whyNotHere } from '../../support/clickhouse-of-users.ts';
import { test } from '../../support/place.ts';
import { UsersSubject } from '../bad-data/users-subject.ts';

const reason = await whyNotHere();
if (reason) process.stderr.write(`clickhouse-endpoints.test.ts leaves one test out: ${reason}\n`);

/** Nobody listens there. */
const refusing = async () => `http://127.0.0.1:${await freePort()}`;

async function openWay(): Promise<Gateway> {
  const gateway = await openGateway(inject('stack')['CLICKHOUSE_URL'] ?? '', { path: '' });
  onTestFinished(() => gateway.close());
  return gateway;
}

describe('several endpoints in CLICKHOUSE_URL', () => {
  test('are passed over while they refuse; the first that answers stores the rows', async ({ place }) => {
    const ways = { CLICKHOUSE_URL: `${await refusing()}, ${place.environment['CLICKHOUSE_URL']}` };
    const subject = new UsersSubject(place, '', 'ways', { database: place.database });
    await subject.makeTopic();
    await subject.init(ways);
    await subject.publish();
    expect(await subject.consume(ways)).toMatchObject({ outcome: 'drained', rows: 20 });
    expect(await subject.audit(ways)).toMatchObject({ exact: true, rows: 20 });
    const none = { CLICKHOUSE_URL: `${await refusing()},${await refusing()}` };
    await subject.publish();
    await expect(subject.consume(none)).rejects.toMatchObject({
      code: 'PH_CLICKHOUSE_UNREACHABLE',
      message: expect.stringMatching(/ECONNREFUSED.*; http.*ECONNREFUSED/),
    });
    expect(await subject.consume(ways)).toMatchObject({ outcome: 'drained', rows: 20 });
  });

  test('are not changed within an invocation, whatever becomes of the one that was taken', async ({
    place,
  }) => {
    const [first, second] = [await openWay(), await openWay()];
    const settings = {
      endpoints: [first, second].map(({ port }) => ({ url: `http://127.0.0.1:${port}` })),
      username: place.environment['CLICKHOUSE_USER'] ?? '',
      password: place.environment['CLICKHOUSE_PASSWORD'] ?? '',
    };
    const question = { sql: 'SELECT 1', timeout: 10_000 };
    const server = new Server(settings);
    expect(await Promise.all([server.run(question), server.run(question)])).toEqual(['1\n', '1\n']);
    await first.close();
    await expect(server.run(question)).rejects.toThrow();
    expect(second.requests).toBe(0);
    await server.close();
    const next = new Server(settings);
    expect(await next.run(question)).toBe('1\n');
    expect(second.requests).toBeGreaterThan(0);
    await next.close();
  });

  test.skipIf(reason)(
    'that are servers of their own halt a partition, and nothing is stored there',
    async ({ place }) => {
      const other = await startClickHouse({});
      onTestFinished(() => other.stop());
      const subject = new UsersSubject(place, other.url, 'other', { database: place.database });
      await subject.makeTopic();
      await subject.init({});
      await subject.publish();
      expect(await subject.consume({})).toMatchObject({ outcome: 'drained', rows: 20 });
      const admin = new Server({ endpoints: [other], username: 'admin', password: PASSWORD });
      const { database, table } = subject.pipeline.target;
      const create = await place.query(`SHOW CREATE TABLE ${database}.${table} FORMAT TSVRaw`);
      for (const sql of [`CREATE DATABASE ${database}`, create]) await admin.run({ sql, timeout: 10_000 });
      await admin.close();
      await subject.publish();
      expect(await subject.consume('admin')).toMatchObject({
        outcome: 'halted',
        rows: 0,
        halt: { code: 'PH_HALT_TABLE_BEHIND' },
      });
      expect(await subject.count()).toBe('0\t0');
    },
  );
});
