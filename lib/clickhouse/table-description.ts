import type { TableName } from './identifiers.ts';
import type { Questions } from './questions.ts';

export interface ColumnDescription {
  readonly name: string;
  readonly type: string;
  /** '', DEFAULT, MATERIALIZED, ALIAS or EPHEMERAL. */
  readonly defaultKind: string;
  readonly defaultExpression: string;
  readonly inPartitionKey: boolean;
}

export interface TableDescription {
  /** Who asked. */
  readonly user: string;
  readonly engine: string;
  /** Engine, keys, TTL and settings as the server writes them. */
  readonly engineFull: string;
  readonly createQuery: string;
  readonly sortingKey: string;
  readonly partitionKey: string;
  readonly columns: readonly ColumnDescription[];
  /** The server's default for tables that do not set their own. */
  readonly serverWindow: string;
  /** Settings of this user's profile that switch the deduplication of inserts off. */
  readonly switchedOffBy: readonly string[];
  /** Materialized views that read every insert into the table. */
  readonly views: readonly string[];
}

/** What the server says of a table, or undefined when there is none of this name that the user may see. */
export async function describeTable(
  questions: Questions,
  target: TableName,
  deadline: number,
): Promise<TableDescription | undefined> {
  const [table] = await questions.ask<Omit<TableDescription, 'columns'>>(
    `SELECT currentUser() AS user, engine, engine_full AS engineFull, create_table_query AS createQuery, sorting_key AS sortingKey,
partition_key AS partitionKey,
(SELECT any(value) FROM system.merge_tree_settings WHERE name = 'non_replicated_deduplication_window') AS serverWindow,
(SELECT groupArray(name) FROM system.settings
 WHERE name IN ('deduplicate_insert', 'deduplicate_insert_select') AND value = 'disable') AS switchedOffBy,
arrayMap((database, name) -> database || '.' || name, dependencies_database, dependencies_table) AS views
FROM system.tables WHERE database = {database:String} AND name = {table:String}`,
    { ...target },
    deadline,
  );
  if (table === undefined) return undefined;
  const columns = await questions.ask<ColumnDescription>(
    `SELECT name, type, default_kind AS defaultKind, default_expression AS defaultExpression,
is_in_partition_key = 1 AS inPartitionKey
FROM system.columns WHERE database = {database:String} AND table = {table:String} ORDER BY position`,
    { ...target },
    deadline,
  );
  return { ...table, columns };
}
