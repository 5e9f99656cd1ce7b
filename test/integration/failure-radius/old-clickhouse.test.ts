import { describe, expect, onTestFinished } from 'vitest';
import { openGateway } from '../../support/clickhouse-gateway.ts';
import { test } from '../../support/place.ts';
import { UsersSubject } from '../bad-data/users-subject.ts';

describe('a ClickHouse that is older than what is supported', () => {
  test('is refused by init, doctor and the first use, and nothing is sent to it', async ({ place }) => {
    const subject = new UsersSubject(place, '', 'events', { database: place.database });
    await subject.makeTopic();
    await subject.init({});
    await subject.publish();
    const target = place.environment['CLICKHOUSE_URL'] ?? '';
    const gateway = await openGateway(target, { path: '', version: '24.2.1.1' });
    onTestFinished(() => gateway.close());
    const old = { CLICKHOUSE_URL: `http://127.0.0.1:${gateway.port}` };
    const says = expect.stringMatching(/ClickHouse 24\.2\.1\.1 at \S+ is older than/);
    const refusal = { code: 'PH_CLICKHOUSE_TOO_OLD', kind: 'terminal', message: says };
    await expect(subject.init(old)).rejects.toMatchObject(refusal);
    await expect(subject.consume(old)).rejects.toMatchObject(refusal);
    expect(await subject.diagnose(old)).toContainEqual(
      expect.objectContaining({
        ...{ check: 'clickhouse', verdict: 'wrong', message: says },
        fix: expect.stringContaining('Upgrade ClickHouse'),
      }),
    );
    const { database, table } = subject.pipeline.target;
    expect(await place.query(`SELECT count() FROM ${database}.${table}`)).toBe('0\n');
    expect(await subject.consume({})).toMatchObject({ outcome: 'drained', rows: 20 });
  });
});
