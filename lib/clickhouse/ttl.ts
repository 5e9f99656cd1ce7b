import type { TableName } from './identifiers.ts';
import type { Questions } from './questions.ts';

/** The clause of a table's definition that says when rows expire; undefined where none does. */
export function ttlClause(engineFull: string): string | undefined {
  return /\bTTL\b(.*)/s.exec(engineFull)?.[1];
}

export async function hasTtl(questions: Questions, target: TableName, deadline: number): Promise<boolean> {
  const [row] = await questions.ask<{ engineFull: string }>(
    `SELECT engine_full AS engineFull FROM system.tables WHERE database = {database:String} AND name = {table:String}`,
    { ...target },
    deadline,
  );
  return row !== undefined && ttlClause(row.engineFull) !== undefined;
}
