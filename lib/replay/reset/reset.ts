import { newGeneration } from '../../leases/generation.ts';
import { whileRenewed } from '../../leases/keep-renewed.ts';
import type { Lease } from '../../leases/lease.ts';
import type { CycleState } from '../../pipeline/cycle-state.ts';
import { PulsehouseError } from '../../pipeline/errors.ts';
import type { PartitionState } from '../../pipeline/partition-state.ts';
import { newPartitionState } from '../../pipeline/partition-transitions.ts';
import { formatPosition, LAST_OF_ALL, type Position } from '../../pipeline/position.ts';
import { HELD_FOR, holdCycle, holdPartition } from '../hold.ts';
import {
  beginOperation,
  type DroppedBatch,
  endOperation,
  type Operation,
  operationId,
  type ResetPartition,
} from '../journal.ts';
import type { ByHand } from '../pause.ts';
import type { PlanDependencies } from '../replay/plan.ts';
import { readUnfinished } from '../unfinished.ts';
import { unknownPartition } from '../unknown-partition.ts';
import { assertWhole, giveUpInFlight, settleInFlight, standingOf } from './in-flight.ts';
import { countKept } from './kept.ts';
import { assertNoReplay } from './no-replay.ts';
import { removeRows } from './remove-rows.ts';
import { assertAboveReplaced, beginningOf, isReplaced } from './replaced-topic.ts';
import { takeSnapshot } from './take-snapshot.ts';
import { assertNotTold } from './told.ts';
import { assertWithinTopic } from './within-topic.ts';

export interface ResetRequest {
  readonly reason: 'offsets' | 'rollback';
  /** Where each partition named goes on: everything above is read, everything at or below it is not. */
  readonly positions: ReadonlyMap<number, Position>;
  /** Batches in flight are given up, counted and recorded, instead of settled: for entries that are no longer anywhere. */
  readonly dropInFlight?: boolean;
}

type Reset = Operation & { readonly kind: 'reset' };

/** What a reset does to one partition. */
export interface PlannedReset {
  readonly partition: number;
  readonly from: Position;
  readonly to: Position;
  /** Rows above `to`, which are removed because they will be read again. */
  readonly rows: number;
  /** Batches that are settled first, or given up where that was asked for, and what of them stands now. */
  readonly inFlight: readonly DroppedBatch[];
}

/**
 * What a reset would do. Changes nothing.
 * @throws PulsehouseError PH_RESET_REFUSED below what Pulsar was told to forget, beyond the topic's end, or where Pulsar does
 * not have what would have to be read again; PH_REPLAY_BUSY while a replay reaches above the position.
 */
export async function planReset(
  dependencies: PlanDependencies,
  request: ResetRequest,
  deadline: number,
): Promise<readonly PlannedReset[]> {
  const { state, pipeline, sink } = dependencies;
  await assertNoReplay(dependencies, request.positions, deadline);
  const planned: PlannedReset[] = [];
  for (const [partition, to] of request.positions) {
    const found = await state.readPartition(pipeline.name, partition, deadline);
    if (!found) throw unknownPartition(pipeline, partition);
    const inFlight = await standingOf(dependencies, partition, found.inFlight, deadline);
    const replaced = await assertPossible(dependencies, found, to, deadline);
    if (replaced && request.dropInFlight !== true) assertWhole(found, inFlight);
    await countKept(dependencies, found, to, deadline);
    const above = await sink.countRows({ partition, after: to, to: LAST_OF_ALL }, deadline);
    planned.push({ partition, from: found.committed, to, rows: above.rows, inFlight });
  }
  return planned;
}

/** Answers whether another topic has taken the place of the one whose positions the state holds. */
async function assertPossible(
  dependencies: PlanDependencies,
  found: PartitionState,
  to: Position,
  deadline: number,
): Promise<boolean> {
  const replaced = await isReplaced(dependencies, found, deadline);
  // What was told of the topic before says nothing of this one.
  if (replaced) assertAboveReplaced(found, to);
  else {
    await assertNotTold(dependencies, found, to, deadline);
    await assertWithinTopic(dependencies, found, to, deadline);
  }
  return replaced;
}

/**
 * Moves partitions to other positions, and the table with them: settles what is in flight under the old generation,
 * begins a new one, takes a snapshot of it, and only then removes the rows that will be read again. The pipeline stays
 * paused. Cut off anywhere, the same call goes on where it was.
 * @throws PulsehouseError PH_NOT_PAUSED, PH_RESET_UNFINISHED when another one was cut off, PH_RESET_REFUSED, PH_REPLAY_BUSY,
 * PH_RANGE_INVALID for a partition there is not.
 */
export async function reset(
  dependencies: PlanDependencies,
  request: ResetRequest,
  { by, owner, deadline }: ByHand,
): Promise<void> {
  const { pipeline } = dependencies;
  const cycle = await holdCycle(dependencies, owner, deadline);
  try {
    if (!cycle.state.paused) {
      throw new PulsehouseError('PH_NOT_PAUSED', 'positions are moved only while the pipeline is paused', {
        where: { pipeline: pipeline.name },
      });
    }
    await whileRenewed(dependencies, cycle, HELD_FOR, () =>
      carryOut(dependencies, cycle, request, { by, owner, deadline }),
    );
  } finally {
    await giveBack(cycle);
  }
}

async function carryOut(
  dependencies: PlanDependencies,
  cycle: Lease<CycleState>,
  request: ResetRequest,
  byHand: ByHand,
): Promise<void> {
  const { pipeline, objects } = dependencies;
  const { owner, deadline } = byHand;
  const { operation, begunBefore } = await begin(dependencies, request, byHand);
  // A replay begun at the same time looks for the operation after it wrote itself down: one of the two sees the other.
  await assertNoReplay(dependencies, request.positions, deadline);
  for (const part of operation.partitions) await moveState(dependencies, part, owner, deadline);
  await takeSnapshot(dependencies, cycle, deadline);
  const ranges = operation.partitions.map(({ partition, to }) => ({
    partition,
    after: to,
    to: LAST_OF_ALL,
  }));
  await removeRows(dependencies, cycle, { ranges, begunBefore }, deadline);
  await endOperation(objects, pipeline.name, operation, deadline);
}

/** Written before anything is moved; one that was cut off is gone on with, under the generations it named. */
async function begin(
  dependencies: PlanDependencies,
  request: ResetRequest,
  byHand: ByHand,
): Promise<{ readonly operation: Reset; readonly begunBefore: boolean }> {
  const { objects, pipeline, state, environment } = dependencies;
  const { by, deadline } = byHand;
  for (const operation of await readUnfinished(dependencies, deadline)) {
    if (operation.kind === 'reset' && isSame(operation, request)) return { operation, begunBefore: true };
    throw new PulsehouseError('PH_RESET_UNFINISHED', `${operation.kind} ${operation.id} was cut off`);
  }
  await assertNoReplay(dependencies, request.positions, deadline);
  const generation = newGeneration(environment);
  const partitions: ResetPartition[] = [];
  for (const [partition, to] of request.positions) {
    const found = await state.readPartition(pipeline.name, partition, deadline);
    if (!found) throw unknownPartition(pipeline, partition);
    partitions.push(await beginPartition(dependencies, request, { found, to, generation }, byHand));
  }
  const at = environment.now();
  const id = operationId(at, environment.uniqueId());
  const operation: Reset = { kind: 'reset', reason: request.reason, id, by, at, partitions };
  await beginOperation(objects, pipeline.name, operation, deadline);
  return { operation, begunBefore: false };
}

/** Ends what is in flight and counts what stays; moves nothing yet. */
async function beginPartition(
  dependencies: PlanDependencies,
  { dropInFlight = false }: ResetRequest,
  move: { readonly found: PartitionState; readonly to: Position; readonly generation: string },
  { owner, deadline }: ByHand,
): Promise<ResetPartition> {
  const { to, generation, found } = move;
  const { partition } = found;
  const replaced = await assertPossible(dependencies, found, to, deadline);
  // The subscription went with the topic before; without one, this one need keep nothing.
  if (replaced) await beginningOf(dependencies, found, deadline);
  const lease = await holdPartition(dependencies, partition, owner, deadline);
  const counting = () =>
    beginUnderLease(dependencies, lease, { dropInFlight, replaced }, { to, generation }, deadline);
  try {
    return await whileRenewed(dependencies, lease, HELD_FOR, counting);
  } finally {
    await lease.release().catch(() => undefined);
  }
}

async function beginUnderLease(
  dependencies: PlanDependencies,
  lease: Lease<PartitionState>,
  { dropInFlight, replaced }: { readonly dropInFlight: boolean; readonly replaced: boolean },
  { to, generation }: { readonly to: Position; readonly generation: string },
  deadline: number,
): Promise<ResetPartition> {
  const { partition, topic, inFlight } = lease.state;
  if (replaced && !dropInFlight) {
    assertWhole(lease.state, await standingOf(dependencies, partition, inFlight, deadline));
  }
  const dropped = dropInFlight ? await giveUpInFlight(dependencies, lease, deadline) : [];
  if (!dropInFlight) await settleInFlight(dependencies, lease, deadline);
  const { committed, generation: fromGeneration } = lease.state;
  for (const { after, to: upTo, messages, rows } of dropped) {
    dependencies.log.warn(
      `Batch (${formatPosition(after)}, ${formatPosition(upTo)}] is given up: ${rows} rows of its ${messages} messages stand`,
      { topic, partition },
    );
  }
  const kept = await countKept(dependencies, lease.state, to, deadline);
  const moved = { partition, fromGeneration, from: committed, toGeneration: generation, to };
  return {
    ...{ ...kept, ...moved },
    ...(dropped.length > 0 && { dropped }),
    ...(replaced && { replaced: true as const }),
  };
}

function isSame(operation: Reset, { positions, reason }: ResetRequest): boolean {
  return (
    operation.reason === reason &&
    operation.partitions.length === positions.size &&
    operation.partitions.every(({ partition, to }) => {
      const asked = positions.get(partition);
      return asked !== undefined && formatPosition(asked) === formatPosition(to);
    })
  );
}

async function moveState(
  dependencies: PlanDependencies,
  { partition, to, toGeneration, dropped }: ResetPartition,
  owner: string,
  deadline: number,
): Promise<void> {
  const { transport, pipeline, environment } = dependencies;
  const lease = await holdPartition(dependencies, partition, owner, deadline);
  if (lease.state.generation === toGeneration) {
    await lease.release();
    return;
  }
  try {
    if (!dropped) await settleInFlight(dependencies, lease, deadline);
    const { topic, flushed } = lease.state;
    const cluster = await transport.topicIdentity(topic, deadline);
    const fresh = newPartitionState({
      pipeline: pipeline.name,
      partition,
      topic,
      generation: toGeneration,
      cluster,
      origin: to,
      writeId: environment.uniqueId(),
    });
    await lease.release(({ epoch, version, writeId, owner: holder, leaseUntil, viewGaps }) => ({
      ...fresh,
      ...{ epoch, version, writeId, owner: holder, leaseUntil, flushed, viewGaps },
    }));
  } catch (error) {
    await lease.release().catch(() => undefined);
    throw error;
  }
}

async function giveBack(cycle: Lease<CycleState>): Promise<void> {
  // The work's own error matters more than a lease that runs out by itself.
  await cycle.release().catch(() => undefined);
}
