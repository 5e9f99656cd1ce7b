import type { PartitionRows, TargetTable } from '../ports/target-table.ts';
import { quoteTable, type TableName } from './identifiers.ts';
import { inline, inRange } from './positions-in-range.ts';
import type { Questions } from './questions.ts';

const DELETE_SETTINGS = {
  mutations_sync: '2',
  // `now()` is when the statement is taken in, not when a part is rewritten: a part left for later is still rewritten.
  mutations_execute_nondeterministic_on_initiator: 1,
} as const;

export function targetTable(questions: Questions, target: TableName): TargetTable {
  return {
    countByPartition: (deadline) => countByPartition(questions, target, deadline),
    async deleteRows(ranges, notAfter, deadline) {
      // A lightweight DELETE is refused on a table with a projection. Waiting for every replica comes with the setting.
      const valid = `now() < fromUnixTimestamp(${Math.floor(notAfter / 1000)})`;
      const among = ranges.map((range) => `(${inline(inRange(range))})`).join(' OR ');
      const sql = `ALTER TABLE ${quoteTable(target)} DELETE WHERE (${among}) AND ${valid}`;
      await questions.tell(sql, {}, deadline, DELETE_SETTINGS);
    },
  };
}

async function countByPartition(
  questions: Questions,
  target: TableName,
  deadline: number,
): Promise<readonly PartitionRows[]> {
  const found = await questions.ask<{ partition: number; rows: number; ledger: number; entry: number }>(
    `SELECT _partition AS partition, count() AS rows, max((_ledger, _entry)) AS last, last.1 AS ledger, last.2 AS entry
FROM ${quoteTable(target)} GROUP BY _partition ORDER BY _partition`,
    {},
    deadline,
  );
  return found.map(({ partition, rows, ledger, entry }) => ({ partition, rows, last: { ledger, entry } }));
}
