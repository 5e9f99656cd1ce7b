import { type ConsumeResult, consume } from '../consume/consume.ts';
import { partitionItem } from '../leases/items.ts';
import { type Lease, takeLease } from '../leases/lease.ts';
import { newCycleState } from '../pipeline/cycle-transitions.ts';
import { PulsehouseError } from '../pipeline/errors.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import { newPartitionState } from '../pipeline/partition-transitions.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { comparePositions } from '../pipeline/position.ts';
import { type ReplayRange, type ReplayRecord, replayScope } from '../pipeline/replay.ts';
import type { Sink } from '../ports/sink.ts';
import type { TargetTable } from '../ports/target-table.ts';
import type { ReplayDependencies } from './dependencies.ts';
import { isExhausted } from './exhausted.ts';
import { removeRows } from './remove-rows.ts';

/** Where a replay writes: the pipeline's own table or another one of the same columns. */
export interface ReplayTarget {
  readonly sink: Sink;
  readonly table: TargetTable;
}

export interface PartitionReplay {
  readonly record: ReplayRecord;
  readonly range: ReplayRange;
  readonly table: TargetTable;
  /** Unique for each invocation. */
  readonly owner: string;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  readonly stop?: AbortSignal;
}

export interface PartitionReplayResult extends ConsumeResult {
  /** Every entry of the range that Pulsar has was gone through. */
  readonly done: boolean;
}

/**
 * Carries one partition of a replay on, given the range's entries as a transport and a sink that asks before it inserts,
 * from wherever it stands, with the consumer's own protocol: a lease, intents
 * before inserts, settling, commits, all of it under the replay's scope and generation, so that the pipeline's consumer
 * goes on undisturbed and no token is shared. One partition has one replay at a time, by the same lease.
 * @throws PulsehouseError PH_REPLAY_BUSY when another replay has work in flight there.
 */
export async function replayPartition(
  dependencies: ReplayDependencies,
  request: PartitionReplay,
): Promise<PartitionReplayResult> {
  const { state } = dependencies;
  const { record, range, owner, deadline } = request;
  await ensureScope(dependencies, deadline);
  const begun = await begin(dependencies, request);
  if (begun) return begun;
  const scoped = scopedPipeline(dependencies.pipeline, record);
  const result = await consume(
    {
      ...dependencies,
      pipeline: scoped,
      log: dependencies.log.with({ replay: record.id }),
    },
    {
      partition: range.partition,
      owner: `${owner}/pull`,
      deadline,
      until: 'drained',
      rowsAbove: true,
      ...(request.stop && { stop: request.stop }),
    },
  );
  if (result.outcome !== 'drained') return { ...result, done: false };
  const stands = await state.readPartition(scoped.name, range.partition, deadline);
  if (stands && comparePositions(stands.committed, range.to) < 0) {
    const { transport, environment } = dependencies;
    const left = { topic: stands.topic, after: stands.committed };
    if (!(await isExhausted(transport, environment, left, deadline))) return { ...result, done: false };
    await closeRange(dependencies, request);
  }
  return { ...result, done: true };
}

/** Whether the partition has gone through its range. */
export function isDone(found: PartitionState | undefined, record: ReplayRecord, range: ReplayRange): boolean {
  return found?.generation === record.id && comparePositions(found.committed, range.to) >= 0;
}

function scopedPipeline(pipeline: Pipeline, record: ReplayRecord): Pipeline {
  return { ...pipeline, name: replayScope(pipeline.name), target: record.target };
}

/** The consumer reads its flush requests from its pipeline's cycle: a replay's has one that never asks. */
async function ensureScope(
  { state, pipeline, environment }: ReplayDependencies,
  deadline: number,
): Promise<void> {
  const name = replayScope(pipeline.name);
  if (await state.readCycle(name, deadline)) return;
  const first = newCycleState({
    pipeline: name,
    generation: 'replay',
    partitions: 0,
    writeId: environment.uniqueId(),
  });
  await state.createCycle(first, deadline);
}

/**
 * Makes the partition's state the one of this replay. Rows to be replaced are removed before that, under the lease: once
 * the state is this replay's, none of them is ever removed again. Answers a result where the work cannot begin.
 */
async function begin(
  dependencies: ReplayDependencies,
  request: PartitionReplay,
): Promise<PartitionReplayResult | undefined> {
  const { state, pipeline, environment } = dependencies;
  const { record, range, owner, deadline } = request;
  const name = replayScope(pipeline.name);
  const fresh = newPartitionState({
    pipeline: name,
    partition: range.partition,
    topic: await topicOf(dependencies, range.partition, deadline),
    generation: clearing(record),
    cluster: undefined,
    origin: range.after,
    writeId: environment.uniqueId(),
  });
  const created = await state.createPartition(fresh, deadline);
  if (!created.written && created.found?.generation === record.id) return undefined;
  const item = partitionItem(state, name, range.partition);
  const terms = { owner: `${owner}/begin`, duration: pipeline.consume.lease, deadline };
  const taken = await takeLease(item, terms, environment);
  if (!taken.taken) return notBegun(taken.found);
  const { lease } = taken;
  try {
    if (lease.state.generation !== record.id) await makeOurs(dependencies, request, lease, fresh);
    await lease.release();
    return undefined;
  } catch (error) {
    await lease.release().catch(() => undefined);
    throw error;
  }
}

async function makeOurs(
  dependencies: ReplayDependencies,
  { record, range, table, deadline }: PartitionReplay,
  lease: Lease<PartitionState>,
  fresh: PartitionState,
): Promise<void> {
  if (lease.state.inFlight.length > 0) {
    throw new PulsehouseError('PH_REPLAY_BUSY', `replay ${lease.state.generation} has batches in flight`, {
      where: { partition: range.partition },
    });
  }
  if (record.mode === 'replace') {
    const isMarked = lease.state.generation === clearing(record);
    const begunBefore = isMarked && lease.state.epoch > 1;
    if (!isMarked) await lease.update((state) => ({ ...state, generation: clearing(record) }));
    await removeRows({ ...dependencies, table }, lease, { ranges: [range], begunBefore }, deadline);
  }
  await lease.update(({ epoch, version, writeId, owner, leaseUntil }) => ({
    ...fresh,
    ...{ epoch, version, writeId, owner, leaseUntil },
    generation: record.id,
  }));
}

/** Pulsar has nothing more to show at or below `to`: its last entries there are markers, or forgotten. */
async function closeRange(
  { state, pipeline, environment }: ReplayDependencies,
  { record, range, owner, deadline }: PartitionReplay,
): Promise<void> {
  const item = partitionItem(state, replayScope(pipeline.name), range.partition);
  const terms = { owner: `${owner}/close`, duration: pipeline.consume.lease, deadline };
  const taken = await takeLease(item, terms, environment);
  if (!taken.taken) return;
  await taken.lease.release((now) =>
    now.generation === record.id && now.inFlight.length === 0 ? { ...now, committed: range.to } : now,
  );
}

/** A state of this generation belongs to nobody: rows may be half removed. */
function clearing(record: ReplayRecord): string {
  return `${record.id}/clearing`;
}

async function topicOf(
  { state, pipeline }: ReplayDependencies,
  partition: number,
  deadline: number,
): Promise<string> {
  const own = await state.readPartition(pipeline.name, partition, deadline);
  if (own) return own.topic;
  throw new PulsehouseError('PH_STATE_MISSING', `partition ${partition} of ${pipeline.name} has no state`);
}

function notBegun(found: PartitionState | undefined): PartitionReplayResult {
  const nothing = { committed: found?.committed, batches: 0, messages: 0, rows: 0, deadLetters: 0, bytes: 0 };
  return found?.halted
    ? { ...nothing, outcome: 'halted', halt: found.halted, done: false }
    : { ...nothing, outcome: 'busy', done: false };
}
