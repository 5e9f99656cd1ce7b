import { describe, expect } from 'vitest';
import { targetTable } from '../../../lib/clickhouse/target-table.ts';
import { entryOf, payload, rangeAll } from '../../contract/sink/messages.ts';
import { type SinkTable, test } from './sink-table.ts';

/** Two ledgers of ten entries with three messages each, under partitions 0 and 4. */
async function fill({ deadline, sink, uniqueId }: SinkTable): Promise<void> {
  for (const partition of [0, 4]) {
    const body = sink.newBody(partition);
    for (const ledger of [1, 2]) {
      for (let entry = 0; entry < 10; entry += 1) {
        body.add(entryOf(ledger, entry, [payload(), payload('2026-01-06'), payload()]));
      }
    }
    const notAfter = Date.now() + 60_000;
    await sink.insert({ body, token: uniqueId(), queryId: uniqueId(), notAfter, deadline: deadline() });
  }
}

describe('the target table, for audits and replays', () => {
  test('counts every partition that occurs and knows its last position', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const target = targetTable(table.questions, table.mapping.target);
    expect(await target.countByPartition(table.deadline())).toEqual([]);
    await fill(table);
    expect(await target.countByPartition(table.deadline())).toEqual([
      { partition: 0, rows: 60, last: { ledger: 2, entry: 9 } },
      { partition: 4, rows: 60, last: { ledger: 2, entry: 9 } },
    ]);
  });

  test('deletes the rows of a range and no others, and they are gone when it answers', async ({
    openTable,
  }) => {
    const table = await openTable({ window: 100 });
    const target = targetTable(table.questions, table.mapping.target);
    await fill(table);
    const range = { partition: 4, after: { ledger: 1, entry: 7 }, to: { ledger: 2, entry: 1 } };
    await target.deleteRows([range], Date.now() + 60_000, table.deadline());
    expect(await table.sink.countRows(range, table.deadline())).toEqual({ rows: 0, distinct: 0 });
    expect(await target.countByPartition(table.deadline())).toMatchObject([
      { partition: 0, rows: 60 },
      { partition: 4, rows: 60 - 4 * 3 },
    ]);
    const left = await table.sink.countRowsByEntry(rangeAll(4), table.deadline());
    expect(left.map(({ position }) => `${position.ledger}:${position.entry}`)).not.toContain('1:8');
    await target.deleteRows([range], Date.now() + 60_000, table.deadline());
    expect(await table.sink.countRows(rangeAll(4), table.deadline())).toEqual({ rows: 48, distinct: 48 });
  });

  test('deletes many ranges by one mutation, and what lies between them stays', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const target = targetTable(table.questions, table.mapping.target);
    await fill(table);
    const one = (partition: number, ledger: number, entry: number) => ({
      ...{ partition, after: { ledger, entry: entry - 1 }, to: { ledger, entry } },
    });
    const entries = [0, 2, 4, 6, 8].flatMap((entry) => [one(0, 1, entry), one(4, 2, entry)]);
    const far = Array.from({ length: 190 }, (_, at) => one(at + 10, 123_456_789_012_345, at));
    await target.deleteRows([...entries, ...far], Date.now() + 60_000, table.deadline());
    expect(await target.countByPartition(table.deadline())).toMatchObject([
      { partition: 0, rows: 45 },
      { partition: 4, rows: 45 },
    ]);
    const [database, name] = table.name.split('.');
    const found = await table.query(
      `SELECT count() FROM system.mutations WHERE database = '${database}' AND table = '${name}'`,
    );
    expect(found.trim()).toBe('1');
  });

  test('deletes nothing when the request comes late, and keeps nothing for later', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const target = targetTable(table.questions, table.mapping.target);
    await fill(table);
    await target.deleteRows([rangeAll(4)], Date.now() - 2_000, table.deadline());
    expect(await table.sink.countRows(rangeAll(4), table.deadline())).toEqual({ rows: 60, distinct: 60 });
    const [database, name] = table.name.split('.');
    const found = await table.query(
      `SELECT is_done, position(command, 'now()') FROM system.mutations WHERE database = '${database}' AND table = '${name}'`,
    );
    expect(found.trim()).toBe('1\t0');
  });
});
