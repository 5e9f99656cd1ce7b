import { describe, expect } from 'vitest';
import { tokensAreTrusted } from '../../../lib/pipeline/intent.ts';
import type { Sink } from '../../../lib/ports/sink.ts';
import { entryOf, payload, rangeAll } from '../../contract/sink/messages.ts';
import { type SinkTable, test } from './sink-table.ts';

async function send({ deadline, sink, uniqueId }: SinkTable, entry: number, token: string): Promise<void> {
  const body = sink.newBody(0);
  body.add(entryOf(1, entry, [payload()]));
  const notAfter = Date.now() + 60_000;
  expect(await sink.insert({ body, token, queryId: uniqueId(), notAfter, deadline: deadline() })).toEqual({
    kind: 'stored',
  });
}

/** What may be done to a table behind our back, and whether the token of an earlier insert is still known afterwards. */
const CASES: readonly { readonly what: string; readonly sql: readonly string[]; readonly forgets?: true }[] =
  [
    { what: 'nothing', sql: [] },
    { what: 'merging', sql: ['OPTIMIZE TABLE T FINAL'] },
    { what: 'a deletion', sql: ['ALTER TABLE T DELETE WHERE _entry = 1 SETTINGS mutations_sync = 2'] },
    { what: 'a deletion of everything', sql: ['ALTER TABLE T DELETE WHERE 1 SETTINGS mutations_sync = 2'] },
    { what: 'an update', sql: ['ALTER TABLE T UPDATE _row = 1 WHERE 1 SETTINGS mutations_sync = 2'] },
    { what: 'a new column', sql: ['ALTER TABLE T ADD COLUMN extra Int64'] },
    { what: 'renaming there and back', sql: ['RENAME TABLE T TO T_2', 'RENAME TABLE T_2 TO T'] },
    { what: 'detaching and attaching the table', sql: ['DETACH TABLE T SYNC', 'ATTACH TABLE T'] },
    { what: 'truncation', sql: ['TRUNCATE TABLE T'], forgets: true },
    {
      what: 'dropping the table partition',
      sql: ["ALTER TABLE T DROP PARTITION '2026-01-05'"],
      forgets: true,
    },
    {
      what: 'detaching and attaching the table partition',
      sql: ["ALTER TABLE T DETACH PARTITION '2026-01-05'", "ALTER TABLE T ATTACH PARTITION '2026-01-05'"],
      forgets: true,
    },
    {
      what: 'another table under its name',
      sql: ['CREATE TABLE T_2 AS T', 'EXCHANGE TABLES T AND T_2'],
      forgets: true,
    },
  ];

describe('trust in deduplication tokens', () => {
  test.for(CASES)(
    'after $what: never trusted when the table forgot',
    async ({ forgets, sql }, { openTable }) => {
      const table = await openTable({ window: 100 });
      await send(table, 0, 'before');
      const then = await table.sink.tokenWindow(table.deadline());
      await send(table, 1, 'in doubt');
      await send(table, 2, 'other');
      for (const statement of sql) await table.query(statement.replaceAll(/\bT(?=\b|_)/g, table.name));
      const trusted = tokensAreTrusted(then, await table.sink.tokenWindow(table.deadline()));
      const before = (await table.sink.countRows(rangeAll(0), table.deadline())).rows;
      await send(table, 1, 'in doubt');
      const after = (await table.sink.countRows(rangeAll(0), table.deadline())).rows;
      expect(after === before).toBe(forgets === undefined);
      expect(trusted).toBe(forgets === undefined);
    },
  );

  test('a repeated insert uses up no place in the window, another one does', async ({ openTable }) => {
    const table = await openTable({ window: 3 });
    await send(table, 0, 'kept');
    for (let again = 0; again < 5; again += 1) await send(table, 0, 'kept');
    expect((await table.sink.countRows(rangeAll(0), table.deadline())).rows).toBe(1);
    for (let other = 1; other <= 3; other += 1) await send(table, other, `other ${other}`);
    await send(table, 0, 'kept');
    expect((await table.sink.countRows(rangeAll(0), table.deadline())).rows).toBe(5);
  });

  test('a token is the same for a whole batch and a part of it, in however many pieces the server reads either', async ({
    openTable,
  }) => {
    const table = await openTable({ window: 100 });
    // A server reads a body in pieces of 10 MB.
    const inPieces = table.withProfile({ min_chunk_bytes_for_parallel_parsing: '1000' });
    const insertRows = async (sink: Sink, ledger: number, rows: number): Promise<number> => {
      const body = sink.newBody(0);
      body.add(
        entryOf(
          ledger,
          0,
          Array.from({ length: rows }, () => payload()),
        ),
      );
      const send = { body, token: `of ${ledger}`, queryId: table.uniqueId(), notAfter: Date.now() + 60_000 };
      expect(await sink.insert({ ...send, deadline: table.deadline() })).toEqual({ kind: 'stored' });
      const whole = { partition: 0, after: { ledger, entry: -1 }, to: { ledger, entry: 0 } };
      return (await sink.countRows(whole, table.deadline())).rows;
    };
    for (const [ledger, first, second] of [
      [1, 500, 10],
      [2, 10, 500],
      [3, 500, 300],
    ] as const) {
      expect(await insertRows(inPieces, ledger, first)).toBe(first);
      expect(await insertRows(inPieces, ledger, second)).toBe(first);
      expect(await insertRows(table.sink, ledger, second)).toBe(first);
    }
    await inPieces.close();
  });

  test('a profile that switches deduplication off leaves nothing to trust', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const window = await table.sink.tokenWindow(table.deadline());
    expect(window.window).toBe(100);
    const sink = table.withProfile({ deduplicate_insert_select: 'disable' });
    expect((await sink.tokenWindow(table.deadline())).window).toBe(0);
    await sink.close();
  });
});
