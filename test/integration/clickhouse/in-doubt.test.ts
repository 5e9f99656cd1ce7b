import { createServer } from 'node:net';
import { describe, expect } from 'vitest';
import { Server } from '../../../lib/clickhouse/server.ts';
import { ClickHouseSink } from '../../../lib/clickhouse/sink.ts';
import { payload, rangeAll } from '../../contract/sink/messages.ts';
import { countAll, insert } from './sending.ts';
import { test } from './sink-table.ts';

const good = payload();

describe('an insert in doubt', () => {
  test('a view fails: the rows of the table are stored all the same', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    await table.query(
      `CREATE MATERIALIZED VIEW ${table.name}_view ENGINE = MergeTree ORDER BY x AS SELECT toInt32('x' || toString(value)) AS x FROM ${table.name}`,
    );
    expect(await insert(table, [good])).toMatchObject({
      kind: 'answered',
      meaning: 'view',
    });
    expect(await countAll(table)).toBe(1);
  });

  test('a view throws 395 itself: that is not taken for a late body', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    await table.query(
      `CREATE MATERIALIZED VIEW ${table.name}_view ENGINE = MergeTree ORDER BY x AS SELECT throwIf(value = 1) AS x FROM ${table.name}`,
    );
    expect(await insert(table, [good])).toMatchObject({
      kind: 'answered',
      meaning: 'view',
    });
    expect(await countAll(table)).toBe(1);
  });

  test('a batch over several table partitions is stored in part; the same token stores what is missing', async ({
    openTable,
  }) => {
    const table = await openTable({
      window: 100,
      also: ['PROJECTION picky (SELECT throwIf(value = 666, $$picky$$) AS fits ORDER BY fits)'],
    });
    const days = ['2026-01-01', '2026-01-02', '2026-01-03', '2026-01-04', '2026-01-05'];
    const payloads = [...days.map((each) => payload(each)), `{"day":"2026-01-06","value":666}`];
    expect(await insert(table, payloads, 'one')).toMatchObject({ kind: 'answered' });
    const stored = await countAll(table);
    expect(stored).toBeGreaterThan(0);
    expect(stored).toBeLessThan(payloads.length);
    await table.query(`ALTER TABLE ${table.name} DROP PROJECTION picky SETTINGS mutations_sync = 2`);
    expect(await insert(table, payloads, 'one')).toEqual({ kind: 'stored' });
    expect(await table.sink.countRows(rangeAll(0), table.deadline())).toEqual({ rows: 6, distinct: 6 });
  });

  test('no server: unanswered, and questions may be put again', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const server = new Server({ endpoints: [{ url: 'http://127.0.0.1:9' }], username: 'u', password: 'p' });
    const sink = new ClickHouseSink(table.mapping, server, { now: () => Date.now() });
    expect(await insert({ ...table, sink }, [good])).toMatchObject({
      kind: 'in-doubt',
      error: { code: 'PH_INSERT_UNANSWERED', where: { server: 'http://127.0.0.1:9' } },
    });
    await expect(sink.serverNow(Date.now() + 5_000)).rejects.toMatchObject({
      code: 'PH_CLICKHOUSE_UNREACHABLE',
      kind: 'retryable',
    });
    await sink.close();
  });

  test('a server that accepts and says nothing: ends by the deadline', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const server = new Server({
      endpoints: [{ url: `http://127.0.0.1:${port}` }],
      username: 'u',
      password: 'p',
    });
    const sink = new ClickHouseSink(table.mapping, server, { now: () => Date.now() });
    const deadline = () => Date.now() + 300;
    expect(await insert({ ...table, sink, deadline }, [good])).toMatchObject({
      error: { code: 'PH_INSERT_UNANSWERED' },
    });
    await expect(sink.countRows(rangeAll(0), deadline())).rejects.toMatchObject({
      code: 'PH_CLICKHOUSE_UNREACHABLE',
    });
    await sink.close();
    silent.close();
  });

  test('a deadline that has passed: nothing is sent', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const outcome = await insert({ ...table, deadline: () => Date.now() - 1 }, [good]);
    expect(outcome).toMatchObject({ kind: 'in-doubt', error: { code: 'PH_INSERT_UNANSWERED' } });
    expect(await countAll(table)).toBe(0);
  });
});
