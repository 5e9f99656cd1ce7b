import { request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { binaryInsert, type InsertRequest } from '../../../lib/clickhouse/binary-insert.ts';
import { BinaryBody } from '../../../lib/clickhouse/encode/binary-body.ts';
import { INSERT_SETTINGS } from '../../../lib/clickhouse/insert-settings.ts';
import { insertStatement, LATE_BODY } from '../../../lib/clickhouse/statement.ts';
import { entryOf, payload, rangeAll } from '../../contract/sink/messages.ts';
import { DAY_VALUE_STRUCTURE, DayValueEncoder } from '../../support/day-value-encoder.ts';
import { type SinkTable, test } from './sink-table.ts';

/** Rows of a body this many times one row, in bytes: the server begins to execute a query once 256 KiB of it are here. */
const SIZES = (['JSONEachRow', 'RowBinary', 'RowBinary and JSON'] as const).flatMap((format) => [
  { format, rows: 100, what: 'below the first buffer' },
  { format, rows: 20_000, what: 'of 1.6 MB as JSON' },
  { format, rows: 300_000, what: 'of 24 MB as JSON' },
]);

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Sends a body as a slow network would: half, then nothing until `resume` resolves, then the rest. */
function sendSlowly(
  table: SinkTable,
  { sql, body }: Pick<InsertRequest, 'sql' | 'body'>,
  send: { readonly notAfter: number; readonly queryId: string; readonly token: string },
  resume: Promise<unknown>,
): Promise<Answer> {
  const parameters = new URLSearchParams({
    param_partition: '0',
    param_notAfter: String(Math.floor(send.notAfter / 1000)),
    query_id: send.queryId,
    insert_deduplication_token: send.token,
    ...Object.fromEntries(Object.entries(INSERT_SETTINGS).map(([name, value]) => [name, String(value)])),
  });
  const bytes = Buffer.concat([Buffer.from(`${sql}\n`), ...body]);
  return new Promise((resolve, reject) => {
    const outgoing = request(`${table.server.url}/?${parameters}`, {
      method: 'POST',
      auth: `${table.credentials.username}:${table.credentials.password}`,
      headers: { 'transfer-encoding': 'chunked' },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    outgoing.write(bytes.subarray(0, bytes.length >> 1));
    void resume.then(() => outgoing.end(bytes.subarray(bytes.length >> 1)));
  });
}

function requestOf(
  { mapping }: SinkTable,
  rows: number,
  format: (typeof SIZES)[number]['format'] = 'JSONEachRow',
): Pick<InsertRequest, 'sql' | 'body'> {
  const body = new BinaryBody(0, new DayValueEncoder());
  const messages = Array.from({ length: Math.min(rows, 1000) }, () => payload());
  if (format === 'RowBinary and JSON') messages[7] = payload().replace(':', ' : ');
  for (let entry = 0; entry < rows / messages.length; entry += 1) body.add(entryOf(1, entry, messages));
  const binary = format === 'JSONEachRow' ? undefined : body.binary();
  if (binary) return binaryInsert(mapping, DAY_VALUE_STRUCTURE, binary);
  return { sql: insertStatement(mapping), body: body.chunks() };
}

async function countAll({ deadline, sink }: SinkTable): Promise<number> {
  return (await sink.countRows(rangeAll(0), deadline())).rows;
}

describe('a body that stalls half way', () => {
  test.for(SIZES)(
    '$format, $what, stores nothing when its end comes late, and answers 395',
    async ({ format, rows }, { openTable }) => {
      const table = await openTable({ window: 100 });
      const notAfter = (await table.sink.serverNow(table.deadline())) + 2_000;
      const send = { notAfter, queryId: table.uniqueId(), token: 'late' };
      const passed = async (): Promise<void> => {
        while ((await table.sink.serverNow(table.deadline())) < notAfter) await wait(100);
      };
      const answer = await sendSlowly(table, requestOf(table, rows, format), send, passed());
      expect(answer.text).toContain(LATE_BODY);
      expect(answer.text).toContain('Code: 395');
      expect(await countAll(table)).toBe(0);
    },
  );

  test.for(SIZES)(
    '$format, $what, is stored whole when its end comes in time',
    async ({ format, rows }, { openTable }) => {
      const table = await openTable({ window: 100 });
      const notAfter = (await table.sink.serverNow(table.deadline())) + 60_000;
      const send = { notAfter, queryId: table.uniqueId(), token: 'in time' };
      expect(await sendSlowly(table, requestOf(table, rows, format), send, wait(300))).toMatchObject({
        status: 200,
      });
      expect(await countAll(table)).toBe(rows);
    },
  );

  test('stores nothing once it was killed while the server executed it, even when its end comes after all', async ({
    openTable,
  }) => {
    const table = await openTable({ window: 100 });
    const notAfter = (await table.sink.serverNow(table.deadline())) + 60_000;
    const send = { notAfter, queryId: `batch-1@${table.uniqueId()}`, token: 'killed' };
    const queries = async (also = ''): Promise<boolean> =>
      (await table.query(
        `SELECT count() FROM system.processes WHERE query_id = '${send.queryId}' ${also}`,
      )) === '1\n';
    let killed: Promise<void> | undefined;
    const cancelled = (async () => {
      while (!(await queries())) await wait(50);
      killed = table.sink.kill('batch-1@', table.deadline());
      while (await queries('AND NOT is_cancelled')) await wait(50);
    })();
    // The server may answer or cut the connection; either way the sender is told of no success.
    const answer = await sendSlowly(table, requestOf(table, 300_000), send, cancelled).catch(
      (error: unknown) => error,
    );
    await killed;
    expect(await queries()).toBe(false);
    expect(answer).not.toMatchObject({ status: 200 });
    expect(await countAll(table)).toBe(0);
  });

  test('of under 256 KiB is not seen by KILL: only its time stops it', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const notAfter = (await table.sink.serverNow(table.deadline())) + 60_000;
    const send = { notAfter, queryId: `batch-2@${table.uniqueId()}`, token: 'unseen' };
    const killed = wait(300).then(() => table.sink.kill('batch-2@', table.deadline()));
    expect(await sendSlowly(table, requestOf(table, 100), send, killed)).toMatchObject({ status: 200 });
    expect(await countAll(table)).toBe(100);
  });
});
