import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { grantsFor, missingGrants } from '../../../lib/clickhouse/grants.ts';
import { Questions } from '../../../lib/clickhouse/questions.ts';
import { Server } from '../../../lib/clickhouse/server.ts';
import { ClickHouseSink } from '../../../lib/clickhouse/sink.ts';
import { checkTable } from '../../../lib/clickhouse/table-check.ts';
import { describeTable } from '../../../lib/clickhouse/table-description.ts';
import { targetTable } from '../../../lib/clickhouse/target-table.ts';
import { entryOf, rangeAll } from '../../contract/sink/messages.ts';
import {
  type OwnClickHouse,
  PASSWORD,
  startClickHouse,
  whyNotHere,
} from '../../support/clickhouse-of-users.ts';
import { test } from '../../support/place.ts';

const reason = await whyNotHere();
if (reason) process.stderr.write(`rights.test.ts is left out: ${reason}\n`);

const target = { database: 'own', table: 'rights' };
const mapping = {
  target,
  source: {
    format: 'json',
    fields: { v: 'Int64' },
    nullValues: 'skip',
    emptyStrings: 'deadLetter',
  },
  columns: { v: 'v' },
} as const;
const soon = () => environment.now() + 30_000;

let clickhouse: OwnClickHouse;

beforeAll(async () => {
  if (reason) return;
  const grants = grantsFor(target).map(({ privilege, on }) => `${privilege} ON ${on.replaceAll('`', '')}`);
  clickhouse = await startClickHouse({ exact: { grants } });
  const admin = new Server({ endpoints: [{ url: clickhouse.url }], username: 'admin', password: PASSWORD });
  for (const sql of [
    'CREATE DATABASE own',
    `CREATE TABLE own.rights (v Int64, t DateTime DEFAULT now(), _partition UInt32, _ledger Int64, _entry Int64, _index UInt32, _row UInt32)
ENGINE = MergeTree ORDER BY v TTL t + INTERVAL 1 DAY SETTINGS non_replicated_deduplication_window = 1000`,
  ]) {
    await admin.run({ sql, timeout: 10_000 });
  }
  await admin.close();
});

afterAll(() => clickhouse?.stop());

describe.skipIf(reason)('a user with exactly the rights that doctor looks for', () => {
  test('can do everything that a pipeline does in ClickHouse', async () => {
    const server = new Server({
      endpoints: [{ url: clickhouse.url }],
      username: 'exact',
      password: PASSWORD,
    });
    const questions = new Questions(server, target, () => environment.now());
    const sink = new ClickHouseSink(mapping, server, environment);
    expect(await missingGrants(questions, mapping, soon())).toEqual([]);
    const table = await describeTable(questions, target, soon());
    const pipeline = {
      ...{ ...mapping, allowWithoutDeduplication: false },
      audit: { interval: 0, exclusions: [] },
    };
    expect(table && checkTable(table, pipeline).filter(({ severity }) => severity === 'error')).toEqual([]);

    const body = sink.newBody(0);
    body.add(entryOf(1, 0, ['{"v":1}', '{"v":2}']));
    const send = { body, token: 'one', queryId: 'one', notAfter: soon(), deadline: soon() };
    expect(await sink.insert(send)).toEqual({ kind: 'stored' });
    expect(await sink.countRows(rangeAll(0), soon())).toMatchObject({ rows: 2 });
    expect(await sink.countRowsByEntry(rangeAll(0), soon())).toHaveLength(1);
    expect(await sink.indexesIn(rangeAll(0), soon())).toHaveLength(1);
    await sink.kill('pulsehouse-none', soon());
    expect(await sink.tokenWindow(soon())).toMatchObject({ window: 1000 });
    expect(await sink.hasTtl(soon())).toBe(true);
    expect(await sink.expiredRows(body, soon())).toEqual([]);
    expect(await sink.rowsHidden(soon())).toBeUndefined();
    expect(await sink.serverNow(soon())).toBeGreaterThan(0);
    const trial = sink.openTrial();
    const bad = sink.newBody(0);
    bad.add(entryOf(1, 1, ['{"v":"no number"}']));
    expect(await trial.probe(bad, 0, 1, 'table', soon())).toBeDefined();
    expect(await trial.sift(bad, soon())).toHaveLength(1);
    await trial.close();
    const rows = targetTable(questions, target);
    expect(await rows.countByPartition(soon())).toHaveLength(1);
    await rows.deleteRows([rangeAll(0)], soon(), soon());
    expect(await sink.countRows(rangeAll(0), soon())).toMatchObject({ rows: 0 });
    await sink.close();
  });

  test('has the rights that docs/deploy.md lists, and no others', async () => {
    const guide = await readFile(fileURLToPath(new URL('../../../docs/deploy.md', import.meta.url)), 'utf8');
    const listed = [...guide.matchAll(/^ {4}GRANT (.+) TO pulsehouse;$/gm)].map(([, grant]) => grant);
    const names = { database: 'benchmark', table: 'sensors_local' };
    expect(listed).toEqual(
      grantsFor(names).map(({ privilege, on }) => `${privilege} ON ${on.replaceAll('`', '')}`),
    );
  });
});
