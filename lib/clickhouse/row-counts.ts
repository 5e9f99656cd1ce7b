import type { Position } from '../pipeline/position.ts';
import type { EntryIndexes, EntryRange, EntryRows, RowCount, RowRange } from '../ports/sink.ts';
import { quoteTable, type TableName } from './identifiers.ts';
import { inRange } from './positions-in-range.ts';
import type { Questions } from './questions.ts';

/** The projection is ordered by position: entry by entry, distinctness needs no more memory than one entry's rows. */
const IN_ORDER = 'SETTINGS optimize_aggregation_in_order = 1';

export function countRows(
  questions: Questions,
  target: TableName,
  range: RowRange,
  deadline: number,
): Promise<RowCount> {
  const condition = inRange(range);
  return questions.askOne(
    `SELECT sum(entry_rows) AS rows, sum(entry_distinct) AS distinct FROM (
SELECT count() AS entry_rows, uniqExact(_index, _row) AS entry_distinct
FROM ${quoteTable(target)} WHERE ${condition.sql} GROUP BY _ledger, _entry) ${IN_ORDER}`,
    condition.parameters,
    deadline,
  );
}

export async function countRowsByEntry(
  questions: Questions,
  target: TableName,
  range: RowRange,
  deadline: number,
): Promise<readonly EntryRows[]> {
  const condition = inRange(range);
  const found = await questions.ask<RowCount & Position & { readonly hash: string }>(
    `SELECT _ledger AS ledger, _entry AS entry, count() AS rows, uniqExact(_index, _row) AS distinct,
  toString(groupBitXor(intHash64(toUInt64(_index)))) AS hash
FROM ${quoteTable(target)} WHERE ${condition.sql} GROUP BY _ledger, _entry ORDER BY _ledger, _entry ${IN_ORDER}`,
    condition.parameters,
    deadline,
  );
  return found.map(({ ledger, entry, rows, distinct, hash }) => ({
    position: { ledger, entry },
    ...{ rows, distinct, indexHash: BigInt(hash) },
  }));
}

export async function indexesIn(
  questions: Questions,
  target: TableName,
  range: EntryRange,
  deadline: number,
): Promise<readonly EntryIndexes[]> {
  if (range.entries?.length === 0) return [];
  const condition = inRange(range);
  const found = await questions.ask<Position & { indexes: readonly number[] }>(
    `SELECT _ledger AS ledger, _entry AS entry, arraySort(groupArray(_index)) AS indexes
FROM ${quoteTable(target)} WHERE (${condition.sql})${amongEntries(range)} GROUP BY _ledger, _entry ORDER BY _ledger, _entry ${IN_ORDER}`,
    condition.parameters,
    deadline,
  );
  return found.map(({ ledger, entry, indexes }) => ({ position: { ledger, entry }, indexes }));
}

/** As text: parameters travel in the URL, which has no room for thousands. They are numbers. */
function amongEntries({ entries }: EntryRange): string {
  if (entries === undefined) return '';
  return ` AND (_ledger, _entry) IN (${entries.map(({ ledger, entry }) => `(${ledger},${entry})`).join()})`;
}
