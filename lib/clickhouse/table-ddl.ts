import { isPulsehouseError, PulsehouseError } from '../pipeline/errors.ts';
import { quoteIdentifier, quoteTable, type TableName } from './identifiers.ts';
import { POSITION_COLUMN_NAMES, POSITION_COLUMNS, POSITION_PROJECTION } from './position-columns.ts';
import type { Questions } from './questions.ts';
import { ServerError } from './server-error.ts';

/** A window of 10,000 tokens is some megabytes of log and hours of blocks; the server's own default is none. */
export const DEDUPLICATION_WINDOW = 10_000;

const POSITION_LIST = POSITION_COLUMN_NAMES.join(', ');

export function addColumnSql(target: TableName, column: keyof typeof POSITION_COLUMNS): string {
  return `ALTER TABLE ${quoteTable(target)} ADD COLUMN ${quoteIdentifier(column)} ${POSITION_COLUMNS[column]};`;
}

export function addProjectionSql(target: TableName): string {
  const table = quoteTable(target);
  return `ALTER TABLE ${table} ADD PROJECTION ${POSITION_PROJECTION} (SELECT ${POSITION_LIST} ORDER BY ${POSITION_LIST});
ALTER TABLE ${table} MATERIALIZE PROJECTION ${POSITION_PROJECTION};`;
}

export function setWindowSql(target: TableName): string {
  return `ALTER TABLE ${quoteTable(target)} MODIFY SETTING non_replicated_deduplication_window = ${DEDUPLICATION_WINDOW};`;
}

/** Everything a table of one's own needs to become a target: position columns, projection, deduplication window. */
export function prepareTableSql(target: TableName): string {
  const columns = Object.keys(POSITION_COLUMNS) as (keyof typeof POSITION_COLUMNS)[];
  return [
    ...columns.map((column) => addColumnSql(target, column)),
    addProjectionSql(target),
    setWindowSql(target),
  ].join('\n');
}

/**
 * Runs the statements of a DDL file in which `{database:Identifier}` and `{table:Identifier}` stand for the target.
 * Statements end with a semicolon at the end of a line.
 * @throws PulsehouseError PH_DDL_REFUSED with the server's words; what else `tell` throws.
 */
export async function runDdl(
  questions: Questions,
  target: TableName,
  ddl: string,
  deadline: number,
): Promise<void> {
  const statements = ddl
    .replaceAll(/^--.*$/gm, '')
    .split(/;\s*$/m)
    .filter((statement) => statement.trim() !== '');
  for (const statement of statements) {
    try {
      await questions.tell(statement, { ...target }, deadline);
    } catch (error) {
      if (!isPulsehouseError(error) || !(error.cause instanceof ServerError)) throw error;
      if (error.kind === 'retryable' || error.code === 'PH_CLICKHOUSE_ACCESS') throw error;
      throw refusedDdl(statement, error.cause, questions);
    }
  }
}

/** About the statement, whatever the code means elsewhere. */
function refusedDdl(statement: string, cause: ServerError, { where }: Questions): PulsehouseError {
  const begins = statement.trim().split(/\s+/).slice(0, 4).join(' ');
  return new PulsehouseError('PH_DDL_REFUSED', `"${begins} …": ${cause.summary}`, { where, cause });
}
