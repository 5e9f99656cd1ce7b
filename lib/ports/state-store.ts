import type { CheckpointRecord, CycleState } from '../pipeline/cycle-state.ts';
import type { PulsehouseError } from '../pipeline/errors.ts';
import type { BatchRecord, DeadLetterBatch, PartitionState } from '../pipeline/partition-state.ts';
import type { Position } from '../pipeline/position.ts';

export interface LeaseClaim {
  /** Unique for each invocation. */
  readonly owner: string;
  readonly writeId: string;
  /** Milliseconds since the epoch, by the taker's clock. */
  readonly now: number;
  readonly leaseUntil: number;
  /** By how much the epoch is raised: one when left out; a restore raises it above any that was ever given out. */
  readonly raise?: number;
  /** A holder that is known to have died: while it holds the lease, the lease is given although it still runs. */
  readonly dead?: string;
}

/** What the taking write itself returned (ALL_NEW); never an earlier read. */
export type LeaseResult<State> =
  | { readonly taken: true; readonly state: State }
  /** Held by another whose lease still runs, halted (a halted partition's lease is not given), or not there at all. */
  | { readonly taken: false; readonly found: State | undefined };

/**
 * `written`: the state stands as given. `refused`: the condition did not hold, and `found` is what stood there
 * instead. A lost reply is neither: the call throws PH_STATE_UNREACHABLE and the write may yet be carried out.
 */
export type WriteResult<State> =
  | { readonly written: true }
  | { readonly written: false; readonly found: State | undefined };

/** A partition whose item is there and is not what this version writes (PH_STATE_CORRUPT, PH_STATE_LAYOUT). */
export interface UnreadableState {
  readonly partition: number;
  readonly error: PulsehouseError;
}

export interface PartitionsRead {
  /** In order; a missing one is left out. */
  readonly states: readonly PartitionState[];
  /** In order. */
  readonly unreadable: readonly UnreadableState[];
}

/** Batches of one generation from a number on. */
export interface BatchRange {
  readonly pipeline: string;
  readonly partition: number;
  readonly generation: string;
  /** The least `seq` that counts. */
  readonly from: number;
  /** At most so many, the first ones. Fewer are the last ones. */
  readonly limit: number;
}

/** The batches of one generation that touch `(after, to]`. */
export interface DeadLetterRange {
  readonly pipeline: string;
  readonly partition: number;
  readonly generation: string;
  readonly after: Position;
  readonly to: Position;
  /** At most so many, the first ones. Fewer are the last ones. */
  readonly limit: number;
}

/**
 * Raw conditional reads and writes; `leases/` builds the fencing protocol on them. Every read is consistent. Every call
 * ends by `deadline` (ms since the epoch).
 * @throws PulsehouseError PH_STATE_UNREACHABLE (in-doubt) on no answer, throttling past the deadline or a server error;
 * PH_STATE_REFUSED (terminal) when a right is missing or a limit exceeded.
 */
export interface StateStore {
  /** Create-only. */
  createPartition(state: PartitionState, deadline: number): Promise<WriteResult<PartitionState>>;
  readPartition(pipeline: string, partition: number, deadline: number): Promise<PartitionState | undefined>;
  /**
   * The first so many, or those that are named. Each one read consistently, in order; a missing one is left out.
   * @throws PulsehouseError PH_STATE_CORRUPT, PH_STATE_LAYOUT when any of them cannot be read.
   */
  readPartitions(
    pipeline: string,
    partitions: number | readonly number[],
    deadline: number,
  ): Promise<readonly PartitionState[]>;
  /** The same, where an item that cannot be read hides none of the others. */
  readEachPartition(
    pipeline: string,
    partitions: number | readonly number[],
    deadline: number,
  ): Promise<PartitionsRead>;
  /**
   * Takes the lease if it has run out, nobody holds it or `dead` does, and the partition is not halted: epoch raised, version + 1, new
   * owner. A claim repeated with the same `writeId` answers as taken when its first try was carried out.
   */
  takePartition(
    pipeline: string,
    partition: number,
    claim: LeaseClaim,
    deadline: number,
  ): Promise<LeaseResult<PartitionState>>;
  /** Writes `next` if the stored state has its epoch, the version before its own and the write id it follows. */
  writePartition(next: PartitionState, deadline: number): Promise<WriteResult<PartitionState>>;

  /**
   * Idempotent: a record of the same batch by an older epoch is replaced, one by a newer epoch stays. A batch with dead
   * letters is listed by `readDeadLetterBatches` too, from before its record can be seen and after that expired.
   */
  putBatch(record: BatchRecord, deadline: number): Promise<void>;
  /** In order of `seq`. */
  readBatches(
    pipeline: string,
    partition: number,
    generation: string,
    deadline: number,
  ): Promise<readonly BatchRecord[]>;
  /** In order of `seq`: some of them, which is what memory holds of a ledger however long it is. */
  readBatchesFrom(range: BatchRange, deadline: number): Promise<readonly BatchRecord[]>;

  /** Lists one whose record expired; by epochs as `putBatch`. */
  putDeadLetterBatch(batch: DeadLetterBatch, deadline: number): Promise<void>;
  /** In order of position. */
  readDeadLetterBatches(range: DeadLetterRange, deadline: number): Promise<readonly DeadLetterBatch[]>;

  createCycle(state: CycleState, deadline: number): Promise<WriteResult<CycleState>>;
  readCycle(pipeline: string, deadline: number): Promise<CycleState | undefined>;
  takeCycle(pipeline: string, claim: LeaseClaim, deadline: number): Promise<LeaseResult<CycleState>>;
  writeCycle(next: CycleState, deadline: number): Promise<WriteResult<CycleState>>;

  /** Written unless a record of the same number by a newer epoch stands there. */
  putCheckpoint(record: CheckpointRecord, deadline: number): Promise<void>;
  readCheckpoint(pipeline: string, number: number, deadline: number): Promise<CheckpointRecord | undefined>;
  /** Newest first. */
  readCheckpoints(pipeline: string, limit: number, deadline: number): Promise<readonly CheckpointRecord[]>;

  close(): void;
}
