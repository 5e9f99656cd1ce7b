import type { PartitionRows, TargetTable } from '../ports/target-table.ts';
import { quoteTable, type TableName } from './identifiers.ts';
import { type Condition, inRange } from './positions-in-range.ts';
import type { Questions } from './questions.ts';

export function targetTable(questions: Questions, target: TableName): TargetTable {
  return {
    countByPartition: (deadline) => countByPartition(questions, target, deadline),
    async deleteRows(range, deadline) {
      // A lightweight DELETE is refused on a table with a projection. Waiting for every replica comes with the setting.
      const sql = `ALTER TABLE ${quoteTable(target)} DELETE WHERE ${inline(inRange(range))}`;
      await questions.tell(sql, {}, deadline, { mutations_sync: '2' });
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

/** A mutation is stored as text and carried out later, so it takes no parameters; every value is a number. */
function inline({ sql, parameters }: Condition): string {
  return sql.replaceAll(/\{(\w+):U?Int\d+\}/g, (_, name: string) => String(parameters[name]));
}
