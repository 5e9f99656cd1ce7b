import type { Position } from '../pipeline/position.ts';
import type { RowRange } from './sink.ts';

export interface PartitionRows {
  readonly partition: number;
  readonly rows: number;
}

export interface EntryIndexes {
  readonly position: Position;
  /** Message indexes present, ascending, each as often as it stands there. */
  readonly indexes: readonly number[];
}

/**
 * What only audits and replays ask of the target table, and the one removal they make. Everything is an aggregation
 * over the position columns inside the server. Every call ends by its deadline (ms since the epoch).
 * @throws PulsehouseError retryable when the server cannot be asked.
 */
export interface TargetTable {
  /** Rows under every partition number that occurs, known to the pipeline or not, ascending. */
  countByPartition(deadline: number): Promise<readonly PartitionRows[]>;
  /** Of several entries of one partition at once, in order of position; an entry without rows is left out. */
  indexesOfEntries(
    partition: number,
    positions: readonly Position[],
    deadline: number,
  ): Promise<readonly EntryIndexes[]>;
  /** Deletes the rows of a range and waits until no reader sees them any more. */
  deleteRows(range: RowRange, deadline: number): Promise<void>;
}
