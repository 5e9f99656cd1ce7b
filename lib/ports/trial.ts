import type { PulsehouseError } from '../pipeline/errors.ts';
import type { BatchBody } from './sink.ts';

/**
 * How much of what the table runs is tried.
 * - columns: reading, mapping, conversion, DEFAULT, MATERIALIZED and EPHEMERAL expressions, constraints.
 * - table: besides those what writing a part evaluates: partition key, sorting key, indexes, projections, TTL.
 */
export type TrialDepth = 'columns' | 'table';

export interface TrialFailure {
  readonly error: PulsehouseError;
  /** The row of the body that the server named, if it did. Only a hint: its words may quote a payload. */
  readonly row: number | undefined;
  /**
   * Rows `[from, to)` of the body, one of which fails: those of the block that the server failed in. What was tried before
   * them passed. Undefined where the server does not say. Only a hint.
   */
  readonly among: readonly [from: number, to: number] | undefined;
}

/** A row of the body that the server cannot read as the source fields, each tried by itself. */
export interface UnreadableRow {
  readonly row: number;
  readonly reason: string;
}

/**
 * Tries rows of a body with everything the target table runs, and stores nothing. For finding the rows of a refused batch
 * that cannot be stored. Calls may run side by side.
 */
export interface Trial {
  /**
   * The rows `[from, to)`; none at all tries the statement itself. Undefined when they pass.
   * @throws PulsehouseError retryable when the server gave no answer, PH_CLICKHOUSE_ACCESS when the user may not.
   */
  probe(
    body: BatchBody,
    from: number,
    to: number,
    depth: TrialDepth,
    deadline: number,
  ): Promise<TrialFailure | undefined>;
  /** All rows at once, in a few requests however many are unreadable. @throws as `probe` */
  sift(body: BatchBody, deadline: number): Promise<readonly UnreadableRow[]>;
  /**
   * The rows of the body that hold the same as `row`, which fails by itself, in every source field of the expression that
   * it fails in: they fail as it does. None where no single column's expression fails, or where that cannot be said.
   * @throws as `probe`
   */
  alike(body: BatchBody, row: number, deadline: number): Promise<readonly number[]>;
  close(): Promise<void>;
}
