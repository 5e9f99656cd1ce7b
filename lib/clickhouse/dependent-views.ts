import type { TableName } from './identifiers.ts';
import type { Questions } from './questions.ts';

/** A materialized view that an insert into the table is pushed through, by itself or by another view's table. */
export interface DependentView {
  readonly name: TableName;
  /** Whose inserts it reads. */
  readonly source: TableName;
  readonly query: string;
}

interface Described {
  readonly database: string;
  readonly name: string;
  readonly query: string;
  readonly dependencies: readonly (readonly [database: string, table: string])[];
  /** Where a view stores its rows; servers that do not say so are asked for views of the table itself alone. */
  readonly target_database?: string;
  readonly target_table?: string;
}

/** Views are few, and a chain of them is short. */
const LONGEST_CHAIN = 10;

export async function dependentViews(
  questions: Questions,
  target: TableName,
  deadline: number,
): Promise<readonly DependentView[]> {
  const found = new Map<string, DependentView>();
  let sources: readonly TableName[] = [target];
  for (let depth = 0; depth < LONGEST_CHAIN && sources.length > 0; depth += 1) {
    const described = await describe(questions, sources, deadline);
    const edges = described.flatMap(({ database, name, dependencies }) =>
      dependencies.map(([viewDatabase, view]) => ({
        source: { database, table: name },
        name: { database: viewDatabase, table: view },
      })),
    );
    const views = await describe(
      questions,
      edges.map(({ name }) => name),
      deadline,
    );
    const next: TableName[] = [];
    for (const { source, name } of edges) {
      const view = views.find((each) => each.database === name.database && each.name === name.table);
      const key = `${name.database}.${name.table}`;
      if (!view || found.has(key)) continue;
      found.set(key, { name, source, query: view.query });
      if (view.target_table) next.push({ database: view.target_database ?? '', table: view.target_table });
    }
    sources = next;
  }
  return [...found.values()];
}

async function describe(
  questions: Questions,
  names: readonly TableName[],
  deadline: number,
): Promise<readonly Described[]> {
  if (names.length === 0) return [];
  return questions.ask<Described>(
    `SELECT database, name, as_select AS query, arrayZip(dependencies_database, dependencies_table) AS dependencies,
  COLUMNS('^target_(database|table)$')
FROM system.tables WHERE database IN {databases:Array(String)} AND (database, name) IN arrayZip({databases:Array(String)}, {tables:Array(String)})`,
    { databases: names.map(({ database }) => database), tables: names.map(({ table }) => table) },
    deadline,
  );
}
