import type { TrialDepth } from '../../ports/trial.ts';
import { quoteTable, type TableName } from '../identifiers.ts';
import type { Questions } from '../questions.ts';

/** Temporary tables of one session, by what they are for. `read` takes the positions of the rows that can be read. */
export type TrialTable = TrialDepth | 'read';

const NAMES: Readonly<Record<TrialTable, string>> = {
  columns: 'pulsehouse_trial_columns',
  table: 'pulsehouse_trial_table',
  read: 'pulsehouse_trial_read',
};

export function trialTableName(table: TrialTable): string {
  return NAMES[table];
}

/** The statement that makes the temporary table. Its columns, keys and constraints are those of the target as it is now. */
export async function createTrialTable(
  questions: Questions,
  target: TableName,
  table: TrialTable,
  deadline: number,
): Promise<string> {
  const name = NAMES[table];
  if (table === 'read') return `CREATE TEMPORARY TABLE ${name} (_ledger Int64, _entry Int64, _index UInt32)`;
  if (table === 'columns') return `CREATE TEMPORARY TABLE ${name} AS ${quoteTable(target)} ENGINE = Null`;
  const [row] = await questions.ask<{ create: string }>(
    `SELECT create_table_query AS create FROM system.tables
WHERE database = {database:String} AND name = {table:String}`,
    { ...target },
    deadline,
  );
  return temporaryLike(row?.create ?? '', name);
}

const HEAD = /^CREATE TABLE (?:`(?:[^`\\]|\\.)*`|\w+)\.(?:`(?:[^`\\]|\\.)*`|\w+) /;
const ENGINE = /\) ENGINE = (?:Replicated|Shared)?MergeTree(?:\((?:[^()']|'(?:[^'\\]|\\.)*')*\))?/g;

/**
 * A plain MergeTree with the same columns, keys, indexes, projections and TTL.
 * @param create as `system.tables` has it: one line, no UUID.
 */
export function temporaryLike(create: string, name: string): string {
  const engine = [...create.matchAll(ENGINE)].at(-1);
  const plain =
    engine === undefined
      ? create
      : `${create.slice(0, engine.index)}) ENGINE = MergeTree${create.slice(engine.index + engine[0].length)}`;
  return plain.replace(HEAD, `CREATE TEMPORARY TABLE ${name} `);
}
