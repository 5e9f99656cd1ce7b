import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { parse } from 'yaml';
import { MAX_BLOCK_ROWS } from '../../../lib/clickhouse/insert-settings.ts';
import { type Request, Server } from '../../../lib/clickhouse/server.ts';
import { ClickHouseSink } from '../../../lib/clickhouse/sink.ts';
import type { Mapping } from '../../../lib/clickhouse/statement.ts';
import { runDdl } from '../../../lib/clickhouse/table-ddl.ts';
import type { BatchBody, InsertOutcome } from '../../../lib/ports/sink.ts';
import { entryOf, payload } from '../../contract/sink/messages.ts';
import { type SinkTable, test } from './sink-table.ts';

function send(table: SinkTable, body: BatchBody): Promise<InsertOutcome> {
  const { deadline, sink, uniqueId } = table;
  const notAfter = Date.now() + 60_000;
  return sink.insert({ body, token: uniqueId(), queryId: uniqueId(), notAfter, deadline: deadline() });
}

async function activeParts({ mapping, query }: SinkTable): Promise<number> {
  const { database, table } = mapping.target;
  return Number(
    await query(
      `SELECT count() FROM system.parts WHERE active AND database = '${database}' AND table = '${table}'`,
    ),
  );
}

describe('what becomes of payloads', () => {
  test.for([
    '{"_ledger":99,"_entry":99,"_index":99,"value":1}',
    '{"\\u005fledger":99,"value":1}',
    '{"_LEDGER":99,"_Entry":99,"value":1}',
    '{"_partition":99,"_row":99,"value":1}',
    '{"value":1,"day":"2026-01-05","_index":77}',
    '{"value":1,"value":1}',
  ])('%s is stored under its own position or refused, never under another', async (lie, { openTable }) => {
    const table = await openTable({ window: 100 });
    const body = table.sink.newBody(2);
    body.add(entryOf(5, 6, [lie]));
    const outcome = await send(table, body);
    if (outcome.kind !== 'stored') expect(outcome).toMatchObject({ kind: 'answered', meaning: 'data' });
    const rows = await table.query(
      `SELECT _partition, _ledger, _entry, _index, _row, value FROM ${table.name} FORMAT TSV`,
    );
    expect(rows).toBe(outcome.kind === 'stored' ? '2\t5\t6\t0\t0\t1\n' : '');
  });

  test.for([
    ['{"VALUE":5,"day":"2026-01-05"}', 0],
    ['{"value":1,"Value":2,"VALUE":"x"}', 1],
  ] as const)('%s: a key of other letters is no field', async ([message, value], { openTable }) => {
    const table = await openTable({ window: 100 });
    const body = table.sink.newBody(0);
    body.add(entryOf(1, 0, [message]));
    const trial = table.sink.openTrial();
    expect(await trial.probe(body, 0, 1, 'columns', table.deadline())).toBeUndefined();
    await trial.close();
    expect(await send(table, body)).toEqual({ kind: 'stored' });
    expect(await table.query(`SELECT value FROM ${table.name} FORMAT TSV`)).toBe(`${value}\n`);
  });

  test('a number beyond its type wraps as the server reads it, and is refused where the mapping casts it accurately', async ({
    openTable,
  }) => {
    const also = ['small UInt8'];
    const fields = { day: 'Date', value: 'Int64', small: 'UInt8' };
    const columns = { day: 'day', value: 'value', small: 'small' };
    const wraps = await openTable({ window: 100, also, fields, columns });
    const body = wraps.sink.newBody(0);
    body.add(entryOf(1, 0, ['{"small":300}']));
    expect(await send(wraps, body)).toEqual({ kind: 'stored' });
    expect(await wraps.query(`SELECT small FROM ${wraps.name} FORMAT TSV`)).toBe('44\n');

    const exact = await openTable({
      window: 100,
      also,
      fields: { ...fields, small: 'Int128' },
      columns: { ...columns, small: "accurateCast(small, 'UInt8')" },
    });
    const casts = exact.sink.newBody(0);
    casts.add(entryOf(1, 0, ['{"small":200}', '{"small":300}']));
    expect(await send(exact, casts)).toMatchObject({ kind: 'answered', meaning: 'data' });
    const trial = exact.sink.openTrial();
    expect(await trial.probe(casts, 0, 1, 'columns', exact.deadline())).toBeUndefined();
    expect(await trial.probe(casts, 1, 2, 'columns', exact.deadline())).toMatchObject({
      error: { code: 'PH_VALUE_REFUSED' },
    });
    await trial.close();
  });

  test('what the frame check accepts is one row or a refusal, never two rows, none, or a neighbour eaten', async ({
    openTable,
  }) => {
    const table = await openTable({
      window: 100,
      also: ['status String', 'start Date'],
      fields: { day: 'Date', value: 'Int64', status: 'String', start: 'Date' },
      columns: { day: 'day', value: 'value', status: 'status', start: 'start' },
    });
    const pieces = fc.constantFrom(
      ...'{}[]":,\\ \n1au'.split(''),
      '\\u',
      '"status":',
      '"start":"2026',
      '"01-01"',
      '"value":',
      '"day"',
      '"a"',
      'null',
      '}{',
      '},{',
      '"x":{',
      "'",
      '{}',
    );
    let tried = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 10 }), async (inner) => {
        const strange = `{${inner.join('')}}`;
        const body = table.sink.newBody(0);
        body.add(entryOf(1, tried, ['{"value":11}', strange, '{"value":33}']));
        if (body.bad.length > 0) return;
        tried += 1;
        const outcome = await send(table, body);
        const found = await table.sink.indexesIn(
          { partition: 0, after: { ledger: 1, entry: tried - 2 }, to: { ledger: 1, entry: tried - 1 } },
          table.deadline(),
        );
        if (outcome.kind === 'stored') expect(found[0]?.indexes).toEqual([0, 1, 2]);
        else {
          expect(outcome).toMatchObject({ kind: 'answered', meaning: 'data' });
          expect(found).toEqual([]);
        }
      }),
      { numRuns: 600 },
    );
    expect(tried).toBeGreaterThan(20);
  });

  test(`${MAX_BLOCK_ROWS} rows, and 190 MB, are each one block`, async ({ openTable }) => {
    const table = await openTable({
      window: 100,
      fields: { day: 'Date', value: 'Int64', note: 'String' },
      columns: { day: 'day', value: 'value', note: 'note' },
      also: ['note String'],
    });
    const many = table.sink.newBody(0);
    const thousand = Array.from({ length: 1000 }, () => payload());
    for (let entry = 0; entry < MAX_BLOCK_ROWS / 1000 - 1; entry += 1) many.add(entryOf(1, entry, thousand));
    many.add(entryOf(2, 0, thousand.slice(0, MAX_BLOCK_ROWS % 1000)));
    expect(many.rows).toBe(MAX_BLOCK_ROWS);
    expect(await send(table, many)).toEqual({ kind: 'stored' });
    expect(await activeParts(table)).toBe(1);

    const large = table.sink.newBody(1);
    const heavy = Array.from(
      { length: 100 },
      () => `{"day":"2026-02-05","value":1,"note":"${'n'.repeat(950)}"}`,
    );
    for (let entry = 0; large.encodedBytes < 190e6; entry += 1) large.add(entryOf(1, entry, heavy));
    expect(await send(table, large)).toEqual({ kind: 'stored' });
    expect(await activeParts(table)).toBe(2);
  });

  test('questions read the projection and not the table', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const body = table.sink.newBody(0);
    const thousand = Array.from({ length: 1000 }, () => payload());
    for (let entry = 0; entry < 200; entry += 1) body.add(entryOf(entry < 100 ? 1 : 2, entry, thousand));
    await send(table, body);
    const asked: Request[] = [];
    class Listening extends Server {
      override run(request: Request): Promise<string> {
        asked.push(request);
        return super.run(request);
      }
    }
    const server = new Listening(table.credentials);
    const range = { partition: 0, after: { ledger: 1, entry: 98 }, to: { ledger: 2, entry: 100 } };
    const sink = new ClickHouseSink(table.mapping, server, { now: () => Date.now() });
    expect(await sink.countRows(range, table.deadline())).toEqual({ rows: 2_000, distinct: 2_000 });
    const [question] = asked;
    if (question === undefined) throw new Error('nothing was asked');
    const sql = question.sql.replace(/FORMAT JSONEachRow$/, '');
    const plan = await server.run({ ...question, sql: `EXPLAIN projections = 1 ${sql}` });
    expect(plan).toContain('_positions');
    const { statistics } = JSON.parse(await server.run({ ...question, sql: `${sql} FORMAT JSON` })) as {
      statistics: { rows_read: number };
    };
    // Three granules at most: one around each end of the range.
    expect(statistics.rows_read).toBeLessThanOrEqual(3 * 8192);
    await sink.close();
  });
});

describe('the reference workload', () => {
  test('messages of either spelling fill the 25 columns', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const { database } = table.mapping.target;
    const target = { database, table: 'sensors_local' };
    const yaml = parse(await readFile('examples/iot/pipeline.yml', 'utf8')) as Mapping;
    await runDdl(
      table.questions,
      target,
      await readFile('infra/clickhouse/sensors_local.sql', 'utf8'),
      table.deadline(),
    );
    await runDdl(
      table.questions,
      target,
      await readFile('infra/clickhouse/sensors_local.sql', 'utf8'),
      table.deadline(),
    );
    const sink = new ClickHouseSink({ ...yaml, target }, table.server, { now: () => Date.now() });
    const body = sink.newBody(0);
    const time = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
    const messages = [
      {
        sensorId: 's-1',
        sensorType: 'thermometer',
        timestamp: time,
        metadata: { latitude: 52.5, longitude: 13.4 },
        batteryLevel: 87.5,
        status: 'online',
        temperature: 21.5,
      },
      {
        device_id: 'd-2',
        device_type: 'hygrometer',
        customer_id: 'c',
        site_id: 's',
        metadata: { latitude: null, longitude: 2, altitude: 3, building: 'b' },
        status: 'offline',
        motion_detected: true,
        bytes_sent: 2 ** 40,
        timestamp: time,
      },
      { sensorId: null, status: 'maintenance', metadata: null, batteryLevel: null },
      { status: 'on fire', surplus: { deep: ['x'] } },
    ];
    body.add(
      entryOf(
        1,
        0,
        messages.map((message) => JSON.stringify(message)),
      ),
    );
    expect(await send({ ...table, sink }, body)).toEqual({ kind: 'stored' });
    const rows = (
      await table.query(`SELECT * FROM ${database}.sensors_local ORDER BY _index FORMAT JSONEachRow`)
    )
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(Object.keys(rows[0] ?? {})).toHaveLength(25 + 5);
    expect(rows).toMatchObject([
      {
        device_id: 's-1',
        device_type: 'thermometer',
        latitude: 52.5,
        longitude: 13.4,
        altitude: 0,
        time: '2026-01-02 03:04:05.678',
        battery_level: 87.5,
        status: 1,
        temperature: 21.5,
      },
      {
        device_id: 'd-2',
        device_type: 'hygrometer',
        customer_id: 'c',
        site_id: 's',
        latitude: 0,
        longitude: 2,
        altitude: 3,
        status: 2,
        motion_detected: 1,
        bytes_sent: 2 ** 40,
      },
      { device_id: '', status: 3, latitude: 0, battery_level: 0, time: '2025-11-24 16:00:00.000' },
      { device_id: '', status: 4, humidity: 0, error_count: 0 },
    ]);
    await sink.close();
  });
});
