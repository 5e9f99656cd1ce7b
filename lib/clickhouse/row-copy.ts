import { PulsehouseError } from '../pipeline/errors.ts';
import { comparePositions, type Position } from '../pipeline/position.ts';
import type { RowCopy, RowPart } from '../ports/row-copy.ts';
import type { RowRange } from '../ports/sink.ts';
import { acceptedSettings } from './accepted-settings.ts';
import { failedQuestion } from './failures.ts';
import { quoteIdentifier, quoteTable, type TableName } from './identifiers.ts';
import { QUESTION_SETTINGS } from './insert-settings.ts';
import { inRange } from './positions-in-range.ts';
import { Questions, wholeSeconds } from './questions.ts';
import { countRows } from './row-counts.ts';
import { rowFilter } from './row-filter.ts';
import type { Server } from './server.ts';
import type { Mapping } from './statement.ts';
import { describeTable, type TableDescription } from './table-description.ts';

/** So many groups of entries make a part, if each entry had one row: bounds the answer to where rows lie. */
const GROUPS_A_PART = 2_000;

const COPY_SETTINGS = {
  ...QUESTION_SETTINGS,
  async_insert: 0,
  wait_end_of_query: 1,
  // Blocks that were there once and were removed would be taken for stored.
  insert_deduplicate: 0,
  max_partitions_per_insert_block: '0',
} as const;

/** Kinds of columns that take no values. */
const NOT_INSERTED: ReadonlySet<string> = new Set(['MATERIALIZED', 'ALIAS', 'EPHEMERAL']);

export function rowCopy(
  server: Server,
  from: TableName,
  { target, targetOptions }: Pick<Mapping, 'target' | 'targetOptions'>,
  now: () => number,
): RowCopy {
  const questions = new Questions(server, from, now);
  const columns = async (deadline: number) => {
    const source = await described(questions, from, deadline);
    const taken = new Set(insertable(await described(questions, target, deadline)));
    return {
      common: source.columns.map(({ name }) => name).filter((name) => taken.has(name)),
      leftOut: insertable(source).filter((name) => !taken.has(name)),
    };
  };
  return {
    source: `${from.database}.${from.table}`,
    columnsLeftOut: async (deadline) => {
      await refuseHidden(questions, from, deadline);
      return (await columns(deadline)).leftOut;
    },
    parts: (range, rows, deadline) => partsOf(questions, from, range, rows, deadline),
    countRows: (range, deadline) => countRows(questions, from, range, deadline),
    async copy(range, queryId, notAfter, deadline) {
      const { common } = await columns(deadline);
      const names = common.map(quoteIdentifier).join(', ');
      const condition = inRange(range);
      const settings = await acceptedSettings(questions, COPY_SETTINGS, deadline);
      const timeout = deadline - now();
      try {
        await server.run({
          sql: `INSERT INTO ${quoteTable(target)} (${names}) SELECT ${names} FROM ${quoteTable(from)}
WHERE ${condition.sql} AND now() < fromUnixTimestamp({notAfter:UInt32})`,
          parameters: { ...condition.parameters, notAfter: Math.floor(notAfter / 1000) },
          settings: { ...targetOptions?.settings, ...settings, max_execution_time: wholeSeconds(timeout) },
          queryId,
          timeout,
        });
      } catch (error) {
        throw failedQuestion(error, questions.where);
      }
    },
  };
}

/** @throws PulsehouseError PH_ROWS_HIDDEN: the copy would lack what is not seen, and nobody could tell. */
async function refuseHidden(questions: Questions, from: TableName, deadline: number): Promise<void> {
  const filter = await rowFilter(questions, from, deadline);
  if (filter === undefined) return;
  throw new PulsehouseError(
    'PH_ROWS_HIDDEN',
    `${from.database}.${from.table} cannot be copied: the user sees only the rows with ${filter} (row policy)`,
    { where: questions.where },
  );
}

function insertable({ columns }: TableDescription): readonly string[] {
  return columns.filter(({ defaultKind }) => !NOT_INSERTED.has(defaultKind)).map(({ name }) => name);
}

async function described(
  questions: Questions,
  table: TableName,
  deadline: number,
): Promise<TableDescription> {
  const found = await describeTable(questions, table, deadline);
  if (found) return found;
  throw new PulsehouseError('PH_TABLE_MISSING', `there is no table ${table.database}.${table.table}`, {
    where: questions.where,
  });
}

async function partsOf(
  questions: Questions,
  table: TableName,
  range: RowRange,
  atMost: number,
  deadline: number,
): Promise<readonly RowPart[]> {
  const condition = inRange(range);
  const entries = Math.ceil(atMost / GROUPS_A_PART);
  const groups = await questions.ask<Position & { rows: number }>(
    `SELECT _ledger AS ledger, max(_entry) AS entry, count() AS rows FROM ${quoteTable(table)}
WHERE ${condition.sql} GROUP BY _ledger, intDiv(_entry, ${entries}) ORDER BY ledger, entry`,
    condition.parameters,
    deadline,
  );
  const parts: RowPart[] = [];
  let { after } = range;
  let rows = 0;
  for (const [index, group] of groups.entries()) {
    rows += group.rows;
    const next = groups[index + 1];
    if (next && rows + next.rows <= atMost) continue;
    const to = next ? { ledger: group.ledger, entry: group.entry } : range.to;
    parts.push({ range: { partition: range.partition, after, to }, rows });
    after = to;
    rows = 0;
  }
  // Nothing there: the target must have nothing there either.
  if (comparePositions(after, range.to) < 0) parts.push({ range: { ...range, after }, rows: 0 });
  return parts;
}
