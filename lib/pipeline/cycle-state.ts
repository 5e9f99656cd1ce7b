import type { Fenced } from './partition-state.ts';

/** The one item that says where a pipeline's flush/ack cycle stands. */
export interface CycleState extends Fenced {
  readonly pipeline: string;
  readonly generation: string;
  /** Partitions discovered so far: their states are numbered 0 to `partitions - 1`. */
  readonly partitions: number;
  /** Newest checkpoint whose flush was asked for; every consumer compares it with its own `flushed`. */
  readonly flushRequested: number;
  /** Newest complete checkpoint; 0 before the first. */
  readonly latest: number;
  /** Highest checkpoint number ever opened: a number is never used twice. */
  readonly opened: number;
  /** Checkpoint that Pulsar is being told, written ahead of the telling. */
  readonly acknowledging: number;
  /** Checkpoint whose positions Pulsar has confirmed on every partition but those of `unacknowledged`. */
  readonly acknowledged: number;
  /** Partitions that did not answer when they were told of `acknowledged`: told again by the next cycle. */
  readonly unacknowledged?: readonly number[] | undefined;
  /** Set by `pause`: nothing is consumed or acknowledged until `resume`. */
  readonly paused: boolean;
}

export type CheckpointStatus = 'open' | 'complete' | 'abandoned';

export interface CheckpointRecord {
  readonly pipeline: string;
  readonly number: number;
  readonly epoch: number;
  readonly status: CheckpointStatus;
  /** Milliseconds since the epoch. */
  readonly openedAt: number;
  readonly completedAt: number | undefined;
  readonly snapshotKey: string | undefined;
  readonly messages: number;
  readonly rows: number;
  readonly deadLetters: number;
  /** Messages without a value that were left out; undefined in records of earlier builds. */
  readonly filtered?: number | undefined;
  /** Batches that the snapshot's partitions had committed in their generations; not in records of older builds. */
  readonly batches?: number | undefined;
  /** Partitions that had not flushed in time: the first 50. */
  readonly laggards: readonly number[];
  readonly laggardCount: number;
}
