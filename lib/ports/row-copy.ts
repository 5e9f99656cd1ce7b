import type { RowCount, RowRange } from './sink.ts';

/** A range and how many rows of the source lie in it. */
export interface RowPart {
  readonly range: RowRange;
  readonly rows: number;
}

/**
 * Copies rows from one table into a pipeline's own, inside the server. Every call ends by its deadline (ms since the epoch).
 * @throws PulsehouseError retryable when the server cannot be asked.
 */
export interface RowCopy {
  /** `database.table`, for messages. */
  readonly source: string;
  /** The columns that both tables have are copied; these of the source have no counterpart. */
  columnsLeftOut(deadline: number): Promise<readonly string[]>;
  /** Consecutive ranges that together are `range`, each of about `rows` rows of the source. */
  parts(range: RowRange, rows: number, deadline: number): Promise<readonly RowPart[]>;
  /** Of the source. */
  countRows(range: RowRange, deadline: number): Promise<RowCount>;
  /**
   * Not deduplicated by the server: it copies again what is there. A request that the server takes in after `notAfter`, by
   * its own clock (ms since the epoch), copies nothing.
   */
  copy(range: RowRange, queryId: string, notAfter: number, deadline: number): Promise<void>;
}
