import { request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { INSERT_SETTINGS } from '../../../lib/clickhouse/insert-settings.ts';
import { insertStatement, LATE_BODY } from '../../../lib/clickhouse/statement.ts';
import { entryOf, payload, rangeAll } from '../../contract/sink/messages.ts';
import { type SinkTable, test } from './sink-table.ts';

/** Rows of a body this many times one row, in bytes: the server begins to execute a query once 256 KiB of it are here. */
const SIZES = [
  { rows: 100, what: 'below the first buffer' },
  { rows: 20_000, what: 'of 1.6 MB' },
  { rows: 300_000, what: 'of 24 MB' },
];

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Sends a body as a slow network would: half, then nothing until `resume` resolves, then the rest. */
function sendSlowly(
  table: SinkTable,
  body: readonly Uint8Array[],
  send: { readonly notAfter: number; readonly queryId: string; readonly token: string },
  resume: Promise<unknown>,
): Promise<Answer> {
  const parameters = new URLSearchParams({
    query: insertStatement(table.mapping),
    param_partition: '0',
    param_notAfter: String(Math.floor(send.notAfter / 1000)),
    query_id: send.queryId,
    insert_deduplication_token: send.token,
    ...Object.fromEntries(Object.entries(INSERT_SETTINGS).map(([name, value]) => [name, String(value)])),
  });
  const bytes = Buffer.concat(body);
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

function bodyOf(table: SinkTable, rows: number): readonly Uint8Array[] {
  const body = table.sink.newBody(0);
  const messages = Array.from({ length: Math.min(rows, 1000) }, () => payload());
  for (let entry = 0; entry < rows / messages.length; entry += 1) body.add(entryOf(1, entry, messages));
  return body.chunks();
}

async function countAll({ deadline, sink }: SinkTable): Promise<number> {
  return (await sink.countRows(rangeAll(0), deadline())).rows;
}

describe('a body that stalls half way', () => {
  test.for(SIZES)(
    '$what stores nothing when its end comes late, and answers 395',
    async ({ rows }, { openTable }) => {
      const table = await openTable({ window: 100 });
      const notAfter = (await table.sink.serverNow(table.deadline())) + 2_000;
      const send = { notAfter, queryId: table.uniqueId(), token: 'late' };
      const passed = async (): Promise<void> => {
        while ((await table.sink.serverNow(table.deadline())) < notAfter) await wait(100);
      };
      const answer = await sendSlowly(table, bodyOf(table, rows), send, passed());
      expect(answer.text).toContain(LATE_BODY);
      expect(answer.text).toContain('Code: 395');
      expect(await countAll(table)).toBe(0);
    },
  );

  test.for(SIZES)('$what is stored whole when its end comes in time', async ({ rows }, { openTable }) => {
    const table = await openTable({ window: 100 });
    const notAfter = (await table.sink.serverNow(table.deadline())) + 60_000;
    const send = { notAfter, queryId: table.uniqueId(), token: 'in time' };
    expect(await sendSlowly(table, bodyOf(table, rows), send, wait(300))).toMatchObject({ status: 200 });
    expect(await countAll(table)).toBe(rows);
  });

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
    const answer = await sendSlowly(table, bodyOf(table, 300_000), send, cancelled).catch(
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
    expect(await sendSlowly(table, bodyOf(table, 100), send, killed)).toMatchObject({ status: 200 });
    expect(await countAll(table)).toBe(100);
  });
});
