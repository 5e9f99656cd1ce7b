import type { Position } from '../pipeline/position.ts';
import type { RowRange } from './sink.ts';

export interface PartitionRows {
  readonly partition: number;
  readonly rows: number;
  /** Highest position that has a row. */
  readonly last: Position;
}

/**
 * What only audits, replays and resets ask of the target table, and the one removal they make. The questions are
 * aggregations over the position columns inside the server. Every call ends by its deadline (ms since the epoch).
 * @throws PulsehouseError retryable when the server cannot be asked.
 */
export interface TargetTable {
  /** Every partition number that occurs in the table, known to the pipeline or not, ascending. */
  countByPartition(deadline: number): Promise<readonly PartitionRows[]>;
  /**
   * Removes the rows of all these ranges at once and waits until no reader sees them any more. What is not there is no error. A request that
   * the server takes in after `notAfter`, by its own clock (ms since the epoch), removes nothing, and says nothing of it.
   */
  deleteRows(ranges: readonly RowRange[], notAfter: number, deadline: number): Promise<void>;
}
