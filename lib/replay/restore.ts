import pLimit from 'p-limit';
import {
  newSnapshot,
  type Snapshot,
  type SnapshotPartition,
  type StoredSnapshot,
} from '../checkpoint/snapshot.ts';
import { createSnapshot, listSnapshots } from '../checkpoint/snapshots.ts';
import { newCycleState } from '../pipeline/cycle-transitions.ts';
import { PulsehouseError } from '../pipeline/errors.ts';
import { firstEpoch, newGeneration } from '../pipeline/generation.ts';
import { NO_TOTALS, type PartitionState } from '../pipeline/partition-state.ts';
import { newPartitionState } from '../pipeline/partition-transitions.ts';
import { BEFORE_ALL, isAfter, isSamePosition, laterOf, type Position } from '../pipeline/position.ts';
import type { ReplayRecord } from '../pipeline/replay.ts';
import { exclusionsDigest } from './absence.ts';
import { cancelReplay } from './cancel.ts';
import { holdCycle, holdPartition, seizePartition } from './hold.ts';
import { beginOperation, endOperation, type Operation, operationId, readJournal } from './journal.ts';
import type { ByHand } from './pause.ts';
import type { PlanDependencies } from './plan.ts';
import { advanceReplay } from './replay.ts';
import { unsparedOf } from './spared-segments.ts';
import { newestValidSnapshot } from './valid-snapshot.ts';

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

/** Far above any epoch that could have been given out since the snapshot, one a lease. */
const EPOCHS_AHEAD = 1_000_000_000;
/** A server's clock may be read a little before a statement's own look at it. */
const CLOCK_MARGIN = 1_000;
const LEASE = 60_000;
const PARTITIONS_AT_ONCE = 8;

type Restore = Operation & { readonly kind: 'restore' };

/**
 * Rebuilds a lost or outdated state from the newest valid snapshot: claims the next snapshot number, writes the states of
 * a new generation with the pipeline paused, outlives whatever earlier writers may still have under way, brings what the
 * table holds beyond the snapshot to whole batches, and goes on above that. Cut off anywhere, the same call goes on.
 * @throws PulsehouseError PH_SNAPSHOT_MISSING, PH_SNAPSHOT_CORRUPT, PH_RESET_REFUSED when the state is not lost.
 */
export async function restore(dependencies: PlanDependencies, run: RestoreRun): Promise<RestoreResult> {
  const { objects, pipeline, environment } = dependencies;
  const { deadline, onStep = () => undefined } = run;
  const startedAt = environment.now();
  const { unfinished } = await readJournal(objects, pipeline.name, deadline);
  const cutOff = unfinished.find((operation) => operation.kind === 'restore');
  const begun = unfinished.find((operation) => operation.kind === 'branch');
  if (begun) {
    throw new PulsehouseError('PH_RESET_UNFINISHED', `${begun.kind} ${begun.id} by ${begun.by} was cut off`, {
      where: { pipeline: pipeline.name },
      nextStep: `Give \`pulsehouse restore --from\` with the file of ${begun.of} once more.`,
    });
  }
  const base = await newestValidSnapshot(objects, pipeline.name, undefined, deadline);
  if (!cutOff) await assertLost(dependencies, base.snapshot, deadline);
  const claimed = await claim(dependencies, base, deadline);
  onStep(`snapshot ${base.snapshot.number} is whole; claimed number ${claimed.number}`);
  const operation: Restore = cutOff ?? {
    kind: 'restore',
    id: operationId(startedAt, environment.uniqueId()),
    by: run.by,
    at: startedAt,
    checkpoint: base.snapshot.number,
    snapshot: claimed.number,
  };
  await beginOperation(objects, pipeline.name, operation, deadline);
  await writeStates(dependencies, claimed, run);
  onStep(`state of ${claimed.partitions.length} partitions written, the pipeline held`);
  await outliveEarlierWriters(dependencies, Math.min(run.lostAt ?? startedAt, startedAt), deadline);
  onStep('no earlier writer can store anything any more');
  const partitions = await reconcile(dependencies, claimed, run);
  onStep('what the table holds beyond the snapshot is whole');
  await endOperation(objects, pipeline.name, operation, deadline);
  const cycle = await holdCycle(dependencies, run.owner, deadline);
  await cycle.release((standing) => ({ ...standing, paused: false }));
  return { checkpoint: base.snapshot.number, snapshot: claimed.number, partitions };
}

/** A state that is there and not behind is worth more than any snapshot. */
async function assertLost(
  { state, objects, pipeline }: PlanDependencies,
  base: Snapshot,
  deadline: number,
): Promise<void> {
  const cycle = await state.readCycle(pipeline.name, deadline);
  // A damaged one tells as well that its number was opened: every cycle stops at it.
  const newest = (await listSnapshots(objects, pipeline.name, deadline)).at(-1) ?? 0;
  if (!cycle || cycle.opened < newest) return;
  const states = await state.readPartitions(pipeline.name, cycle.partitions, deadline);
  const behind = base.partitions.some((then) => {
    const found = states.find(({ partition }) => partition === then.partition);
    return !found || (found.generation === then.generation && isAfter(then.committed, found.committed));
  });
  const saidSo = states.some(({ halted }) => halted?.code === 'PH_HALT_STATE_BEHIND');
  if (behind || saidSo || states.length < cycle.partitions) return;
  throw new PulsehouseError('PH_RESET_REFUSED', 'the state is there and not older than the newest snapshot', {
    where: { pipeline: pipeline.name },
    nextStep: 'Nothing has to be restored; `--to N` goes back to checkpoint N.',
  });
}

/** Claims a number before anything is rebuilt: of two that restore, or one and a zombie cycle, one makes the object. */
async function claim(
  dependencies: PlanDependencies,
  { snapshot: base, hash }: StoredSnapshot,
  deadline: number,
): Promise<Snapshot> {
  const { objects, pipeline, environment, state } = dependencies;
  const generation = newGeneration(environment);
  const added = await partitionsSince(dependencies, base, deadline);
  for (;;) {
    const newest = (await listSnapshots(objects, pipeline.name, deadline)).at(-1) ?? 0;
    // A number is never used twice, though the object that had it be lost.
    const opened = (await state.readCycle(pipeline.name, deadline))?.opened ?? 0;
    const number = Math.max(newest, opened) + 1;
    const offered: Snapshot = {
      ...newSnapshot(
        {
          pipeline: pipeline.name,
          topic: base.topic,
          subscription: base.subscription,
          number,
          generation,
          takenAt: environment.now(),
          previous: { number: base.number, hash },
        },
        [],
      ),
      partitions: [...base.partitions, ...added].map((partition) => ({
        ...partition,
        generation,
        epoch: partition.epoch + EPOCHS_AHEAD,
      })),
    };
    const stored = await createSnapshot(objects, offered, deadline);
    if (stored.snapshot.generation === generation) return stored.snapshot;
  }
}

/**
 * Partitions that the snapshot does not know: added after it, and perhaps consumed. Left to be discovered they would begin
 * with epochs that were given out before.
 */
async function partitionsSince(
  { transport, pipeline, environment }: PlanDependencies,
  base: Snapshot,
  deadline: number,
): Promise<readonly SnapshotPartition[]> {
  const topics = await transport.partitions(pipeline.topic, deadline);
  const unknown = topics.slice(base.partitions.length);
  return Promise.all(
    unknown.map(async (topic, index) => ({
      partition: base.partitions.length + index,
      topic,
      generation: base.generation,
      cluster: await transport.topicIdentity(topic, deadline),
      epoch: firstEpoch(environment),
      seq: 0,
      origin: BEFORE_ALL,
      committed: BEFORE_ALL,
      committedPublishTime: 0,
      totals: NO_TOTALS,
    })),
  );
}

async function writeStates(
  dependencies: PlanDependencies,
  claimed: Snapshot,
  { owner, deadline }: RestoreRun,
): Promise<void> {
  const { state, pipeline, environment } = dependencies;
  const cycle = {
    ...newCycleState({
      pipeline: pipeline.name,
      generation: claimed.generation,
      partitions: claimed.partitions.length,
      writeId: environment.uniqueId(),
    }),
    epoch: Math.max(...claimed.partitions.map(({ epoch }) => epoch)),
    flushRequested: claimed.number,
    latest: claimed.number,
    opened: claimed.number,
    acknowledging: claimed.number,
    // What Pulsar was told is not known, unless a state is left that says so: the next cycle tells it what the claimed
    // snapshot says.
    acknowledged: 0,
    paused: true,
  };
  const created = await state.createCycle(cycle, deadline);
  if (!created.written) {
    const held = await holdCycle(dependencies, owner, deadline);
    await held.release(({ epoch, version, writeId, owner: holder, leaseUntil, acknowledged }) => ({
      ...cycle,
      ...{ epoch, version, writeId, owner: holder, leaseUntil },
      acknowledged: Math.min(acknowledged, claimed.previous?.number ?? 0),
    }));
  }
  await pLimit(PARTITIONS_AT_ONCE).map([...claimed.partitions], (partition) =>
    writeState(dependencies, claimed, partition, owner, deadline),
  );
}

async function writeState(
  dependencies: PlanDependencies,
  claimed: Snapshot,
  then: SnapshotPartition,
  owner: string,
  deadline: number,
): Promise<void> {
  const { state, pipeline, environment, transport } = dependencies;
  const { markDelete } = await transport.ensureSubscription(
    then.topic,
    pipeline.subscription,
    isSamePosition(then.committed, BEFORE_ALL)
      ? { at: 'earliest' }
      : { at: 'position', position: then.committed },
    deadline,
  );
  const fresh: PartitionState = {
    ...newPartitionState({
      pipeline: pipeline.name,
      partition: then.partition,
      topic: then.topic,
      generation: claimed.generation,
      cluster: then.cluster,
      origin: then.origin,
      writeId: environment.uniqueId(),
    }),
    epoch: then.epoch,
    committed: then.committed,
    committedPublishTime: then.committedPublishTime,
    flushed: claimed.number,
    totals: then.totals,
    forgotten: isAfter(markDelete, then.committed) ? markDelete : undefined,
  };
  const created = await state.createPartition(fresh, deadline);
  if (created.written || !created.found) return;
  const terms = { owner: `${owner}/restore`, duration: LEASE, deadline };
  const lease = await seizePartition(dependencies, created.found, terms, EPOCHS_AHEAD);
  await lease.release((standing) => ({
    ...fresh,
    ...{ epoch: standing.epoch, version: standing.version, writeId: standing.writeId },
    ...{ owner: standing.owner, leaseUntil: standing.leaseUntil },
  }));
}

/** Their intents are unknown, so their tokens are: every send is past its time after the longest an insert may take. */
async function outliveEarlierWriters(
  { sink, environment, pipeline }: PlanDependencies,
  lostAt: number,
  deadline: number,
): Promise<void> {
  const end = lostAt + pipeline.batch.insertTimeout + CLOCK_MARGIN;
  const left = end - environment.now();
  if (left > 0) await environment.sleep(left);
  await sink.kill(`${pipeline.name}/`, deadline);
}

/** Rows beyond the snapshot are those of batches whose ends nobody knows: a repair up to the last of them makes them whole. */
async function reconcile(
  dependencies: PlanDependencies,
  claimed: Snapshot,
  run: RestoreRun,
): Promise<RestoreResult['partitions']> {
  const { table, pipeline, state, replays, environment } = dependencies;
  const { deadline, owner } = run;
  const standing = await table.countByPartition(deadline);
  const states = await state.readPartitions(pipeline.name, claimed.partitions.length, deadline);
  const ranges = states.flatMap(({ partition, committed, forgotten }) => {
    const last = standing.find((found) => found.partition === partition)?.last ?? committed;
    const to = laterOf(last, forgotten ?? committed);
    return isAfter(to, committed) ? [{ partition, after: committed, to }] : [];
  });
  const unspared = await pLimit(PARTITIONS_AT_ONCE).map(ranges, async ({ partition, after, to }) => {
    const state = states.find((found) => found.partition === partition);
    const segments = state ? await unsparedOf(dependencies, state, { after, to }, deadline) : [];
    return segments.map((segment) => ({ partition, after: segment.after, to: segment.to }));
  });
  const record: ReplayRecord = {
    pipeline: pipeline.name,
    id: operationId(environment.now(), environment.uniqueId()),
    mode: 'repair',
    target: pipeline.target,
    from: `checkpoint ${claimed.number}`,
    to: 'the last row',
    ranges: unspared.flat(),
    exclusions: exclusionsDigest(pipeline),
    requestedBy: run.by,
    requestedAt: environment.now(),
    status: 'running',
    finishedAt: undefined,
  };
  await giveUpOthers(dependencies, run);
  await replays.createReplay(record, deadline);
  for (;;) {
    const progress = await advanceReplay(dependencies, record, dependencies, {
      owner,
      deadline,
      ...(run.stop && { stop: run.stop }),
    });
    if (progress.record.status === 'cancelled') {
      throw new PulsehouseError('PH_RESET_UNFINISHED', `replay ${record.id} of the restore was cancelled`);
    }
    if (progress.done) break;
    const halted = progress.partitions.find(({ halt }) => halt);
    if (halted?.halt) {
      throw new PulsehouseError('PH_HALTED', `partition ${halted.partition}: ${halted.halt.reason}`, {
        nextStep: `${halted.halt.nextStep} Then \`pulsehouse restore\` again.`,
      });
    }
    if (run.stop?.aborted) throw new PulsehouseError('PH_RESET_UNFINISHED', 'the restore was stopped');
    await environment.sleep(250);
  }
  return Promise.all(states.map((found) => advance(dependencies, found, ranges, owner, deadline)));
}

/** Of a restore that was cut off; what they have in flight is settled first. */
async function giveUpOthers(dependencies: PlanDependencies, { owner, deadline }: RestoreRun): Promise<void> {
  const { replays, pipeline } = dependencies;
  const records = await replays.readReplays(pipeline.name, 100, deadline);
  for (const record of records.filter(({ status }) => status === 'running')) {
    await cancelReplay(dependencies, record, dependencies, { owner, deadline });
  }
}

async function advance(
  dependencies: PlanDependencies,
  found: PartitionState,
  ranges: readonly { readonly partition: number; readonly to: Position }[],
  owner: string,
  deadline: number,
): Promise<RestoreResult['partitions'][number]> {
  const { partition, committed } = found;
  const range = ranges.find((candidate) => candidate.partition === partition);
  if (!range) return { partition, from: committed, to: committed, messages: 0 };
  const { rows } = await dependencies.sink.countRows({ partition, after: committed, to: range.to }, deadline);
  const lease = await holdPartition(dependencies, partition, owner, deadline);
  await lease.release((state) => {
    if (isAfter(state.committed, committed)) return state;
    const { totals } = state;
    return {
      ...state,
      committed: range.to,
      totals: { ...totals, messages: totals.messages + rows, rows: totals.rows + rows },
    };
  });
  return { partition, from: committed, to: range.to, messages: rows };
}
