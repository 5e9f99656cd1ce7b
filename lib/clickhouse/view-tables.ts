import type { RowRange } from '../ports/sink.ts';
import type { View, ViewTables } from '../ports/view-tables.ts';
import { type DependentView, dependentViews } from './dependent-views.ts';
import { quoteIdentifier, quoteString, quoteTable, type TableName } from './identifiers.ts';
import { QUESTION_SETTINGS } from './insert-settings.ts';
import { POSITION_COLUMN_NAMES } from './position-columns.ts';
import { inline, inRange } from './positions-in-range.ts';
import { type Questions, wholeSeconds } from './questions.ts';
import type { Mapping } from './statement.ts';

const POSITIONS = POSITION_COLUMN_NAMES.join(', ');

/** A view takes INSERT and SELECT by its own name; they reach the table it fills. */
export function viewTables(
  questions: Questions,
  { target, targetOptions }: Pick<Mapping, 'target' | 'targetOptions'>,
): ViewTables {
  const known = new Map<string, Known>();
  const find = (view: View): Known => {
    const found = known.get(view.name);
    if (found) return found;
    throw new Error(`${view.name} was not listed`);
  };
  return {
    async views(deadline) {
      for (const view of await dependentViews(questions, target, deadline)) {
        const columns = await columnsOf(questions, view.name, deadline);
        known.set(`${view.name.database}.${view.name.table}`, { view, columns });
      }
      return [...known].map(([name, { view, columns }]) => ({
        name,
        hasPositions: POSITION_COLUMN_NAMES.every((column) => columns.includes(column)),
        isDirect: view.source.database === target.database && view.source.table === target.table,
      }));
    },
    // `ignore(*)`: every expression of the query is evaluated, so that one that fails is seen here already.
    async countRows(view, range, deadline) {
      const { view: described } = find(view);
      const lacking = view.hasPositions ? `countIf(${lacks(described, range)})` : 'count()';
      const { rows, missing } = await questions.askOne<{ rows: number; missing: number }>(
        `SELECT count() AS rows, ${lacking} AS missing FROM (${described.query}) WHERE NOT ignore(*) ${within(described, range)}`,
        {},
        deadline,
      );
      return { rows, missing: view.hasPositions ? missing : undefined };
    },
    async refill(view, range, token, deadline) {
      const { view: described, columns } = find(view);
      const names = columns.map(quoteIdentifier).join(', ');
      const condition = view.hasPositions ? ` WHERE ${lacks(described, range)}` : '';
      await questions.tell(
        `INSERT INTO ${quoteTable(described.name)} (${names})
SELECT ${names} FROM (${described.query})${condition} ${within(described, range)}`,
        {},
        deadline,
        {
          ...targetOptions?.settings,
          ...QUESTION_SETTINGS,
          async_insert: 0,
          insert_deduplicate: 1,
          deduplicate_blocks_in_dependent_materialized_views: 1,
          insert_deduplication_token: token,
          max_execution_time: wholeSeconds(deadline - questions.now()),
        },
      );
    },
  };
}

interface Known {
  readonly view: DependentView;
  readonly columns: readonly string[];
}

function lacks({ name }: DependentView, range: RowRange): string {
  return `(${POSITIONS}) NOT IN (SELECT ${POSITIONS} FROM ${quoteTable(name)} WHERE ${inline(inRange(range))})`;
}

/** The view's query as it stands, over the rows of the range alone. */
function within({ source }: DependentView, range: RowRange): string {
  const table = quoteString(`${source.database}.${source.table}`);
  return `SETTINGS additional_table_filters = {${table}: ${quoteString(inline(inRange(range)))}}`;
}

async function columnsOf(
  questions: Questions,
  view: TableName,
  deadline: number,
): Promise<readonly string[]> {
  const found = await questions.ask<{ name: string }>(
    `SELECT name FROM system.columns WHERE database = {database:String} AND table = {table:String}
AND default_kind NOT IN ('MATERIALIZED', 'ALIAS', 'EPHEMERAL') ORDER BY position`,
    { ...view },
    deadline,
  );
  return found.map(({ name }) => name);
}
