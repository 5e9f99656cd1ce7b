import type { CheckpointRecord, CycleState } from '../pipeline/cycle-state.ts';
import { abandonCheckpoint, completeCheckpoint } from '../pipeline/cycle-transitions.ts';
import { isPulsehouseError, PulsehouseError } from '../pipeline/errors.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import { comparePositions, formatPosition } from '../pipeline/position.ts';
import { readEachState } from './await-flush.ts';
import { type CycleContext, persistently } from './context.ts';
import {
  batchesOf,
  newSnapshot,
  type Snapshot,
  type SnapshotPartition,
  type StoredSnapshot,
  snapshotKey,
} from './snapshot.ts';
import { createSnapshot, readSnapshot } from './snapshots.ts';

const LAGGARDS_LISTED = 50;

export interface Opened {
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly laggards: readonly number[];
}

export interface Taken {
  /** What the partitions' states said when the snapshot was made of them. */
  readonly states: readonly PartitionState[];
  readonly record: CheckpointRecord;
}

/** Reads every partition, makes the snapshot durable and only then says that the checkpoint is complete. */
export async function takeCheckpoint(
  context: CycleContext,
  opened: Opened,
  previous: StoredSnapshot | undefined,
): Promise<Taken> {
  const { pipeline, state, environment, lease, log } = context;
  const { states, unreadable } = await readEachState(context);
  const carried = carriedOver(previous?.snapshot, states);
  if (states.length + carried.length !== lease.state.partitions) {
    const [first] = unreadable;
    if (first) throw first.error;
    const message = `${lease.state.partitions} partitions are known and ${states.length} have a state`;
    throw new PulsehouseError('PH_STATE_MISSING', message, { where: { pipeline: pipeline.name } });
  }
  const offered = newSnapshot(
    {
      pipeline: pipeline.name,
      topic: pipeline.topic,
      subscription: pipeline.subscription,
      number: opened.number,
      generation: lease.state.generation,
      takenAt: environment.now(),
      previous: previous && { number: previous.snapshot.number, hash: previous.hash },
    },
    states,
    carried,
  );
  // Put back only now, they would make the newest snapshot the one that vouches for them (seed 18309).
  if (previous) assertCovered(previous.snapshot, states);
  const stored = await create(context, offered);
  assertOurs(stored.snapshot, lease.state);
  assertCovered(stored.snapshot, states);
  const record = recordOf(context, opened, stored.snapshot, previous?.snapshot);
  // The pointer first, which is fenced: a record that a cycle long dead wrote would offer its late snapshot to be told.
  await lease.update((cycle) => completeCheckpoint(cycle, opened.number));
  await persistently(context, (deadline) => state.putCheckpoint(record, deadline));
  log.info(`Checkpoint ${opened.number}: Flushed ${record.rows} records to ClickHouse`, {
    checkpoint: opened.number,
    messages: record.messages,
    deadLetters: record.deadLetters,
    filtered: record.filtered,
    milliseconds: environment.now() - opened.at,
    laggards: record.laggardCount,
  });
  return { states, record };
}

/**
 * Partitions whose state is gone or cannot be read stand at least where the snapshot before has them. They are in the cycle's
 * troubles, so that Pulsar is told nothing of them; the others' checkpoints go on.
 */
function carriedOver(
  previous: Snapshot | undefined,
  states: readonly PartitionState[],
): readonly SnapshotPartition[] {
  const found = new Set(states.map(({ partition }) => partition));
  return previous?.partitions.filter(({ partition }) => !found.has(partition)) ?? [];
}

/** Under a number whose object is damaged nothing can ever be said again: the next cycle goes on with another one. */
async function create(context: CycleContext, offered: Snapshot): Promise<StoredSnapshot> {
  const { objects, lease } = context;
  try {
    return await persistently(context, (deadline) => createSnapshot(objects, offered, deadline));
  } catch (error) {
    if (isPulsehouseError(error) && error.code === 'PH_SNAPSHOT_CORRUPT')
      await lease.update(abandonCheckpoint);
    throw error;
  }
}

/** A restore claims its number before it holds the cycle: what it wrote there is the beginning of another timeline. */
function assertOurs(stored: Snapshot, cycle: CycleState): void {
  if (stored.generation === cycle.generation) return;
  const message = `snapshot ${stored.number} was claimed by a restore, which begins generation ${stored.generation}`;
  throw new PulsehouseError('PH_STATE_BEHIND', message, { where: { pipeline: cycle.pipeline } });
}

/**
 * No partition goes back within its generation: a snapshot that is ahead of the states, the latest or an earlier try's
 * under our number, says that they are older copies. Acknowledging by it would forget what they have yet to read, and a
 * snapshot of them would hide it (invariant 1).
 */
export function assertCovered(stored: Snapshot, states: readonly PartitionState[]): void {
  for (const state of states) {
    const told = stored.partitions[state.partition];
    if (
      !told ||
      told.generation !== state.generation ||
      comparePositions(told.committed, state.committed) <= 0
    )
      continue;
    const message = `snapshot ${stored.number} stands at ${formatPosition(told.committed)}, the state at ${formatPosition(state.committed)}`;
    throw new PulsehouseError('PH_STATE_BEHIND', message, {
      where: { pipeline: state.pipeline, topic: state.topic, partition: state.partition },
    });
  }
}

/** Whether a snapshot now would say anything that the latest does not. */
export function hasMoved(states: readonly PartitionState[], latest: Snapshot | undefined): boolean {
  if (!latest) return true;
  if (latest.partitions.length < states.length) return true;
  return states.some((state) => {
    const then = latest.partitions[state.partition];
    return (
      !then || then.generation !== state.generation || comparePositions(then.committed, state.committed) !== 0
    );
  });
}

/**
 * The latest snapshot, or undefined when there is none yet. One that is lost or corrupt is told and taken for none: the
 * states in DynamoDB are whole, so the next snapshot says all there is to say; only the chain begins anew.
 */
export async function latestSnapshot(context: CycleContext): Promise<StoredSnapshot | undefined> {
  const { latest } = context.lease.state;
  return latest === 0 ? undefined : snapshotIfWhole(context, latest);
}

export async function snapshotIfWhole(
  context: CycleContext,
  number: number,
): Promise<StoredSnapshot | undefined> {
  const { objects, pipeline, log } = context;
  try {
    return await persistently(context, (deadline) => readSnapshot(objects, pipeline.name, number, deadline));
  } catch (error) {
    const lost =
      isPulsehouseError(error) &&
      (error.code === 'PH_SNAPSHOT_MISSING' || error.code === 'PH_SNAPSHOT_CORRUPT');
    if (!lost) throw error;
    log.error(`Snapshot ${number} cannot be used: ${error.message}. The next one begins the chain anew`, {
      key: snapshotKey(pipeline.name, number),
      code: error.code,
    });
    return undefined;
  }
}

function recordOf(
  context: CycleContext,
  opened: Opened,
  snapshot: Snapshot,
  previous: Snapshot | undefined,
): CheckpointRecord {
  const moved = (count: (totals: Snapshot['partitions'][number]['totals']) => number) =>
    snapshot.partitions.reduce((sum, partition) => {
      const before = previous?.partitions[partition.partition];
      const since = before?.generation === partition.generation ? count(before.totals) : 0;
      return sum + count(partition.totals) - since;
    }, 0);
  return {
    pipeline: snapshot.pipeline,
    number: snapshot.number,
    epoch: context.lease.state.epoch,
    status: 'complete',
    openedAt: opened.at,
    completedAt: context.environment.now(),
    snapshotKey: snapshotKey(snapshot.pipeline, snapshot.number),
    messages: moved((totals) => totals.messages),
    rows: moved((totals) => totals.rows),
    deadLetters: moved((totals) => totals.deadLetters),
    filtered: moved((totals) => totals.filtered),
    batches: batchesOf(snapshot.partitions),
    laggards: opened.laggards.slice(0, LAGGARDS_LISTED),
    laggardCount: opened.laggards.length,
  };
}
