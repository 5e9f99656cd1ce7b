import type { Position } from '../../pipeline/position.ts';
import type { ByHand } from '../pause.ts';

export interface RestoreResult {
  /** The checkpoint it was rebuilt from. */
  readonly checkpoint: number;
  /** The snapshot that says so, which the pipeline goes on from. */
  readonly snapshot: number;
  readonly partitions: readonly {
    readonly partition: number;
    readonly from: Position;
    /** Where it goes on: what the table held beyond the snapshot was made whole. */
    readonly to: Position;
    readonly messages: number;
  }[];
}

export interface RestoreRun extends ByHand {
  /**
   * Since when no state could be written (ms since the epoch): nothing was intended after it, so no insert is valid
   * longer than the insert timeout after it. Now when left out, which is always safe.
   */
  readonly lostAt?: number | undefined;
  readonly stop?: AbortSignal;
  readonly onStep?: (step: string) => void;
}
