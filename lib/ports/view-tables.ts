import type { RowRange } from './sink.ts';

/** A materialized view of the pipeline's table, or of another such view's table. */
export interface View {
  /** `database.view`. */
  readonly name: string;
  /** It has the position columns: which rows it has already can be told. */
  readonly hasPositions: boolean;
  /** It reads the table itself. */
  readonly isDirect: boolean;
}

export interface ViewRows {
  /** Rows that the view's query makes of the range. */
  readonly rows: number;
  /** Those that the view does not have; undefined where nobody can tell. */
  readonly missing: number | undefined;
}

/**
 * What only the refilling of views asks of the server. Every call ends by its deadline (ms since the epoch).
 * @throws PulsehouseError PH_CLICKHOUSE_*; what a view's own query cannot take, as PH_CLICKHOUSE_FAILED.
 */
export interface ViewTables {
  views(deadline: number): Promise<readonly View[]>;
  countRows(view: View, range: RowRange, deadline: number): Promise<ViewRows>;
  /**
   * Inserts what the view's own query makes of a range of the table: those rows that it does not have, or all of them where
   * that cannot be told. `token` names the refill, so that one given twice is stored once where the view's table keeps tokens.
   */
  refill(view: View, range: RowRange, token: string, deadline: number): Promise<void>;
}
