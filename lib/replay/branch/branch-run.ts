import type { Pipeline } from '../../pipeline/pipeline.ts';
import type { Position } from '../../pipeline/position.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { RowCopy } from '../../ports/row-copy.ts';
import type { ReplayDependencies } from '../dependencies.ts';
import type { ByHand } from '../pause.ts';

/** The ports are those of the second pipeline. */
export type BranchDependencies = ReplayDependencies;

/** The first pipeline, which goes on and is not touched. */
export interface BranchSource {
  readonly pipeline: Pipeline;
  /** Of its bucket. */
  readonly objects: ObjectStore;
  /** The newest when left out. */
  readonly checkpoint: number | undefined;
  /** From its table into the second one's; without it the rows are expected to be there. */
  readonly copy: RowCopy | undefined;
}

export interface BranchRun extends ByHand {
  /** Rows copied by one statement. */
  readonly rowsAtOnce?: number;
  readonly onStep?: (step: string) => void;
  readonly onCopied?: (rows: number) => void;
}

export interface BranchResult {
  /** The first pipeline's checkpoint. */
  readonly checkpoint: number;
  /** The second one's own snapshot of it. */
  readonly snapshot: number;
  readonly partitions: readonly {
    readonly partition: number;
    readonly from: Position;
    /** Stored since the first pipeline's last reset. */
    readonly rows: number;
    /** Messages up to there that the first pipeline could make no row of; they stay in its bucket. */
    readonly deadLetters: number;
  }[];
}
