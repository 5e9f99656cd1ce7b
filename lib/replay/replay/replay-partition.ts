import { type ConsumeResult, consume } from '../../consume/consume.ts';
import { partitionItem } from '../../leases/items.ts';
import { whileRenewed } from '../../leases/keep-renewed.ts';
import { type Lease, takeLease } from '../../leases/lease.ts';
import { newCycleState } from '../../pipeline/cycle-transitions.ts';
import { PulsehouseError } from '../../pipeline/errors.ts';
import type { PartitionState } from '../../pipeline/partition-state.ts';
import { newPartitionState } from '../../pipeline/partition-transitions.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import { comparePositions, type Position } from '../../pipeline/position.ts';
import { type ReplayRange, type ReplayRecord, rangesOf, replayScope } from '../../pipeline/replay.ts';
import type { Sink } from '../../ports/sink.ts';
import type { TargetTable } from '../../ports/target-table.ts';
import type { Transport } from '../../ports/transport.ts';
import { isExhausted } from '../comparison/exhausted.ts';
import type { ReplayDependencies } from '../dependencies.ts';
import { holdPartition } from '../hold.ts';
import { removeRows } from '../reset/remove-rows.ts';
import { MOST_ENTRIES } from './dead-letter-source.ts';
import { clearReplayHalt } from './halts.ts';

/** Where a replay writes: the pipeline's own table or another one of the same columns. */
export interface ReplayTarget {
  readonly sink: Sink;
  readonly table: TargetTable;
}

/** Where the messages come from, and what of the table counts. */
export interface ReplaySource {
  readonly transport: Transport;
  readonly sink: Sink;
}

export interface PartitionReplay {
  readonly record: ReplayRecord;
  readonly partition: number;
  /** The entries of one range of the partition, and a sink that asks before it inserts. */
  sourceOf(range: ReplayRange): Promise<ReplaySource>;
  readonly table: TargetTable;
  /** Unique for each invocation. */
  readonly owner: string;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  readonly stop?: AbortSignal;
}

export interface PartitionReplayResult extends ConsumeResult {
  /** Every entry of the partition's ranges that Pulsar has was gone through. */
  readonly done: boolean;
}

/**
 * Carries one partition of a replay on from wherever it stands, range after range, with the consumer's own protocol: a
 * lease, intents before inserts, settling, commits, all of it under the replay's scope and generation, so that the
 * pipeline's consumer goes on undisturbed and no token is shared. One partition has one replay at a time, by the same
 * lease: a second run of it answers `busy`.
 * @throws PulsehouseError PH_REPLAY_BUSY when another replay has work in flight there.
 */
export async function replayPartition(
  dependencies: ReplayDependencies,
  request: PartitionReplay,
): Promise<PartitionReplayResult> {
  await ensureScope(dependencies, request.deadline);
  const begun = await begin(dependencies, request);
  if (begun) return begun;
  let sum = nothingDone('drained', undefined);
  for (const range of rangesOf(request.record, request.partition)) {
    const before = await moveUpTo(dependencies, request, range.after);
    if (!before.moved) return added(sum, before.instead);
    if (comparePositions(before.state.committed, range.to) >= 0) continue;
    const turn = await goThrough(dependencies, request, range, before.state.topic);
    sum = added(sum, turn);
    if (!turn.done) return sum;
    const behind = await moveUpTo(dependencies, request, range.to);
    if (!behind.moved) return added(sum, behind.instead);
  }
  return { ...sum, done: true };
}

async function goThrough(
  dependencies: ReplayDependencies,
  { record, partition, sourceOf, owner, deadline, stop }: PartitionReplay,
  range: ReplayRange,
  topic: string,
): Promise<PartitionReplayResult> {
  const { transport, sink } = await sourceOf(range);
  const pipeline = scopedPipeline(dependencies.pipeline, record);
  const log = dependencies.log.with({ replay: record.id });
  const result = await consume(
    { ...dependencies, transport, sink, pipeline, log },
    {
      partition,
      owner: `${owner}/pull`,
      deadline,
      until: 'drained',
      rowsAbove: true,
      generation: record.id,
      ...(stop && { stop }),
    },
  );
  const { outcome, committed: after } = result;
  if (outcome !== 'drained' || !after) return { ...result, done: false };
  // The last entries at or below `to` may be markers, or forgotten.
  const done =
    comparePositions(after, range.to) >= 0 ||
    (await isExhausted(transport, dependencies.environment, { topic, after }, deadline));
  return { ...result, done };
}

/** A letter that fails again stays a letter, however many do: that is no news about the deployment. */
const STAY_LETTERS = { enabled: true, minimum: 0, maxRatio: 1 };

function scopedPipeline(pipeline: Pipeline, record: ReplayRecord): Pipeline {
  const scoped = { ...pipeline, name: replayScope(pipeline.name), target: record.target };
  if (record.mode !== 'redrive') return scoped;
  const batch = { ...pipeline.batch, maxEntries: MOST_ENTRIES };
  return { ...scoped, batch, deadLetters: STAY_LETTERS };
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
  const { record, partition, owner, deadline } = request;
  const name = replayScope(pipeline.name);
  const [first] = rangesOf(record, partition);
  if (!first) throw new PulsehouseError('PH_INVARIANT', `replay ${record.id} has no partition ${partition}`);
  const fresh = newPartitionState({
    pipeline: name,
    partition,
    topic: await topicOf(dependencies, partition, deadline),
    generation: clearing(record),
    cluster: undefined,
    origin: first.after,
    writeId: environment.uniqueId(),
  });
  const created = await state.createPartition(fresh, deadline);
  if (!created.written && created.found?.generation === record.id) return undefined;
  if (record.mode === 'replace') await fenceConsumer(dependencies, partition, owner, deadline);
  // What halted an earlier replay is not about this one.
  if (!created.written && created.found?.halted) await clearReplayHalt(dependencies, created.found, deadline);
  const item = partitionItem(state, name, partition);
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

/**
 * A consumer that was frozen when the pipeline was paused would wake to find its rows gone, and take that for a loss. So would
 * a later one where today's condition leaves fewer rows than there were.
 */
async function fenceConsumer(
  dependencies: ReplayDependencies,
  partition: number,
  owner: string,
  deadline: number,
): Promise<void> {
  const { state, pipeline } = dependencies;
  const own = await state.readPartition(pipeline.name, partition, deadline);
  if (!own || own.halted) return;
  const lease = await holdPartition(dependencies, partition, `${owner}/fence`, deadline);
  const isConditional = dependencies.sink.condition !== undefined;
  await lease.release((state) => (isConditional ? { ...state, rowsReplaced: true } : state));
}

async function makeOurs(
  dependencies: ReplayDependencies,
  { record, partition, table, deadline }: PartitionReplay,
  lease: Lease<PartitionState>,
  fresh: PartitionState,
): Promise<void> {
  if (lease.state.inFlight.length > 0) {
    throw new PulsehouseError('PH_REPLAY_BUSY', `replay ${lease.state.generation} has batches in flight`, {
      where: { partition },
      nextStep: `Have them settled with \`pulsehouse replay --cancel ${lease.state.generation}\`.`,
    });
  }
  if (record.mode === 'replace') {
    const isMarked = lease.state.generation === clearing(record);
    const begunBefore = isMarked && lease.state.epoch > 1;
    if (!isMarked) await lease.update((state) => ({ ...state, generation: clearing(record) }));
    const removal = { ranges: rangesOf(record, partition), begunBefore };
    await whileRenewed(dependencies, lease, dependencies.pipeline.consume.lease, () =>
      removeRows({ ...dependencies, table }, lease, removal, deadline),
    );
  }
  await lease.update(({ epoch, version, writeId, owner, leaseUntil }) => ({
    ...fresh,
    ...{ epoch, version, writeId, owner, leaseUntil },
    generation: record.id,
  }));
}

type Moved =
  | { readonly moved: true; readonly state: PartitionState }
  | { readonly moved: false; readonly instead: PartitionReplayResult };

/** Passes over what lies below `position`, unless the partition stands there or beyond. */
async function moveUpTo(
  { state, pipeline, environment }: ReplayDependencies,
  { record, partition, owner, deadline }: PartitionReplay,
  position: Position,
): Promise<Moved> {
  const name = replayScope(pipeline.name);
  const found = await state.readPartition(name, partition, deadline);
  if (found?.generation === record.id && comparePositions(found.committed, position) >= 0) {
    return { moved: true, state: found };
  }
  const terms = { owner: `${owner}/move`, duration: pipeline.consume.lease, deadline };
  const taken = await takeLease(partitionItem(state, name, partition), terms, environment);
  if (!taken.taken) return { moved: false, instead: notBegun(taken.found) };
  const { lease } = taken;
  const isOurs = lease.state.generation === record.id && lease.state.inFlight.length === 0;
  await lease.release((now) => (isOurs ? { ...now, committed: position } : now));
  return isOurs
    ? { moved: true, state: lease.state }
    : { moved: false, instead: nothingDone('fenced', lease.state.committed) };
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
  return found?.halted
    ? { ...nothingDone('halted', found.committed), halt: found.halted }
    : nothingDone('busy', found?.committed);
}

function nothingDone(
  outcome: ConsumeResult['outcome'],
  committed: Position | undefined,
): PartitionReplayResult {
  const nothing = { batches: 0, messages: 0, rows: 0, deadLetters: 0, filtered: 0, bytes: 0 };
  return { ...nothing, outcome, committed, done: false };
}

/** What one range added to what those before it did; how it ended is how they all did. */
function added(sum: PartitionReplayResult, last: ConsumeResult): PartitionReplayResult {
  return {
    ...last,
    committed: last.committed ?? sum.committed,
    batches: sum.batches + last.batches,
    messages: sum.messages + last.messages,
    rows: sum.rows + last.rows,
    deadLetters: sum.deadLetters + last.deadLetters,
    filtered: sum.filtered + last.filtered,
    bytes: sum.bytes + last.bytes,
    done: false,
  };
}
