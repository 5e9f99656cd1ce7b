import { PulsehouseError } from '../pipeline/errors.ts';
import type { TokenWindow } from '../pipeline/intent.ts';
import type { TableName } from './identifiers.ts';
import type { Questions } from './questions.ts';

interface WindowRow {
  readonly uuid: string;
  readonly engine: string;
  readonly engineFull: string;
  readonly serverWindow: string;
  readonly switchedOff: number;
  readonly parts: number;
  readonly oldestBlock: number;
  readonly newestBlock: number;
}

/**
 * How far the table's deduplication log reaches. Replicated engines are said to remember nothing: their log forgets by
 * time too, and by a clock that no question shows, so that doubt about them is settled by waiting.
 * @throws PulsehouseError PH_TABLE_MISMATCH when there is no such table.
 */
export async function tokenWindow(
  questions: Questions,
  target: TableName,
  deadline: number,
): Promise<TokenWindow> {
  const [row] = await questions.ask<WindowRow>(
    `SELECT toString(uuid) AS uuid, engine, engine_full AS engineFull,
(SELECT any(value) FROM system.merge_tree_settings WHERE name = 'non_replicated_deduplication_window') AS serverWindow,
(SELECT count() FROM system.settings WHERE name IN ('deduplicate_insert', 'deduplicate_insert_select') AND value = 'disable') AS switchedOff,
(SELECT (count(), min(min_block_number), max(max_block_number)) FROM system.parts
 WHERE database = {database:String} AND table = {table:String} AND active) AS blocks,
blocks.1 AS parts, blocks.2 AS oldestBlock, blocks.3 AS newestBlock
FROM system.tables WHERE database = {database:String} AND name = {table:String}`,
    { ...target },
    deadline,
  );
  if (row === undefined) {
    const name = `${target.database}.${target.table}`;
    throw new PulsehouseError('PH_TABLE_MISMATCH', `${name} does not exist`, { where: questions.where });
  }
  return {
    table: row.uuid,
    window:
      row.engine === 'MergeTree' && row.switchedOff === 0 ? windowOf(row.engineFull, row.serverWindow) : 0,
    oldestBlock: row.parts === 0 ? -1 : row.oldestBlock,
    newestBlock: row.parts === 0 ? -1 : row.newestBlock,
  };
}

/** Tokens a plain MergeTree table remembers: its own setting, else the server's. */
export function windowOf(engineFull: string, serverWindow: string): number {
  const own = /\bnon_replicated_deduplication_window\s*=\s*(\d+)/.exec(engineFull)?.[1];
  return Number(own ?? serverWindow);
}
