import type { TableName } from './identifiers.ts';
import type { Questions } from './questions.ts';

/** Column names of a table and their types, in the table's order. */
export async function targetTypes(
  questions: Questions,
  target: TableName,
  deadline: number,
): Promise<Readonly<Record<string, string>>> {
  const columns = await questions.ask<{ name: string; type: string }>(
    `SELECT name, type FROM system.columns WHERE database = {database:String} AND table = {table:String} ORDER BY position`,
    { ...target },
    deadline,
  );
  return Object.fromEntries(columns.map(({ name, type }) => [name, type]));
}
