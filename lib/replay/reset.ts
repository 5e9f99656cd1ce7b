import { readSnapshot } from '../checkpoint/snapshots.ts';
import type { ConsumeContext } from '../consume/context.ts';
import { settleFound } from '../consume/settle-found.ts';
import type { Lease } from '../leases/lease.ts';
import type { CycleState } from '../pipeline/cycle-state.ts';
import { PulsehouseError } from '../pipeline/errors.ts';
import { newGeneration } from '../pipeline/generation.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import { newPartitionState } from '../pipeline/partition-transitions.ts';
import { formatPosition, isAfter, LAST_OF_ALL, type Position } from '../pipeline/position.ts';
import { holdCycle, holdPartition } from './hold.ts';
import {
  beginOperation,
  endOperation,
  type Operation,
  operationId,
  type ResetPartition,
  readJournal,
} from './journal.ts';
import { countKept } from './kept.ts';
import type { ByHand } from './pause.ts';
import type { PlanDependencies } from './plan.ts';
import { removeRows } from './remove-rows.ts';
import { takeSnapshot } from './take-snapshot.ts';

export interface ResetRequest {
  readonly reason: 'offsets' | 'rollback';
  /** Where each partition named goes on: everything above is read, everything at or below it is not. */
  readonly positions: ReadonlyMap<number, Position>;
}

type Reset = Operation & { readonly kind: 'reset' };

/** What a reset does to one partition. */
export interface PlannedReset {
  readonly partition: number;
  readonly from: Position;
  readonly to: Position;
  /** Rows above `to`, which are removed because they will be read again. */
  readonly rows: number;
}

/**
 * What a reset would do. Changes nothing.
 * @throws PulsehouseError PH_RESET_REFUSED where Pulsar no longer has what would have to be read again.
 */
export async function planReset(
  dependencies: PlanDependencies,
  request: ResetRequest,
  deadline: number,
): Promise<readonly PlannedReset[]> {
  const { state, pipeline, sink } = dependencies;
  const planned: PlannedReset[] = [];
  for (const [partition, to] of request.positions) {
    const found = await state.readPartition(pipeline.name, partition, deadline);
    if (!found) {
      throw new PulsehouseError(
        'PH_RANGE_INVALID',
        `pipeline ${pipeline.name} has no partition ${partition}`,
      );
    }
    await countKept(dependencies, found, to, deadline);
    const above = await sink.countRows({ partition, after: to, to: LAST_OF_ALL }, deadline);
    planned.push({ partition, from: found.committed, to, rows: above.rows });
  }
  return planned;
}

/**
 * Moves partitions to other positions, and the table with them: settles what is in flight under the old generation,
 * begins a new one, takes a snapshot of it, and only then removes the rows that will be read again. The pipeline stays
 * paused. Cut off anywhere, the same call goes on where it was.
 * @throws PulsehouseError PH_NOT_PAUSED, PH_RESET_UNFINISHED when another one was cut off, PH_RESET_REFUSED.
 */
export async function reset(
  dependencies: PlanDependencies,
  request: ResetRequest,
  { by, owner, deadline }: ByHand,
): Promise<void> {
  const { pipeline, objects } = dependencies;
  const cycle = await holdCycle(dependencies, owner, deadline);
  try {
    if (!cycle.state.paused) {
      throw new PulsehouseError('PH_NOT_PAUSED', 'positions are moved only while the pipeline is paused', {
        where: { pipeline: pipeline.name },
      });
    }
    const { operation, begunBefore } = await begin(dependencies, request, by, deadline);
    for (const part of operation.partitions) await moveState(dependencies, part, owner, deadline);
    await takeSnapshot(dependencies, cycle, deadline);
    const ranges = operation.partitions.map(({ partition, to }) => ({
      partition,
      after: to,
      to: LAST_OF_ALL,
    }));
    await removeRows(dependencies, cycle, { ranges, begunBefore }, deadline);
    await endOperation(objects, pipeline.name, operation, deadline);
  } finally {
    await giveBack(cycle);
  }
}

/** Written before anything is moved; one that was cut off is gone on with, under the generations it named. */
async function begin(
  dependencies: PlanDependencies,
  request: ResetRequest,
  by: string,
  deadline: number,
): Promise<{ readonly operation: Reset; readonly begunBefore: boolean }> {
  const { objects, pipeline, state, environment } = dependencies;
  const { unfinished } = await readJournal(objects, pipeline.name, deadline);
  for (const operation of unfinished) {
    if (operation.kind === 'reset' && isSame(operation, request)) return { operation, begunBefore: true };
    if (operation.kind === 'reset' || operation.kind === 'restore') {
      throw new PulsehouseError('PH_RESET_UNFINISHED', `${operation.kind} ${operation.id} was cut off`);
    }
  }
  const generation = newGeneration(environment);
  const partitions: ResetPartition[] = [];
  for (const [partition, to] of request.positions) {
    const found = await state.readPartition(pipeline.name, partition, deadline);
    if (!found) continue;
    partitions.push({
      ...(await countKept(dependencies, found, to, deadline)),
      partition,
      fromGeneration: found.generation,
      from: found.committed,
      toGeneration: generation,
      to,
    });
  }
  const at = environment.now();
  const id = operationId(at, environment.uniqueId());
  const operation: Reset = { kind: 'reset', reason: request.reason, id, by, at, partitions };
  await beginOperation(objects, pipeline.name, operation, deadline);
  return { operation, begunBefore: false };
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
  { partition, to, toGeneration }: ResetPartition,
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
    await settleOpen(dependencies, lease, deadline);
    const { topic, flushed } = lease.state;
    const cluster = await transport.topicIdentity(topic, deadline);
    const forgotten = await forgottenUpTo(dependencies, partition, to, deadline);
    const fresh = newPartitionState({
      pipeline: pipeline.name,
      partition,
      topic,
      generation: toGeneration,
      cluster,
      origin: to,
      writeId: environment.uniqueId(),
    });
    await lease.release(({ epoch, version, writeId, owner: holder, leaseUntil }) => ({
      ...fresh,
      ...{ epoch, version, writeId, owner: holder, leaseUntil, flushed, forgotten },
    }));
  } catch (error) {
    await lease.release().catch(() => undefined);
    throw error;
  }
}

async function settleOpen(
  dependencies: PlanDependencies,
  lease: Lease<PartitionState>,
  deadline: number,
): Promise<void> {
  if (lease.state.inFlight.length === 0) return;
  const { environment, sink } = dependencies;
  const askedAt = environment.now();
  const context: ConsumeContext = {
    ...dependencies,
    partition: lease.state.partition,
    lease,
    deadline,
    serverClockOffset: (await sink.serverNow(deadline)) - askedAt,
  };
  await settleFound(context);
}

/** Moved back below what Pulsar was told to forget, the cursor is rightly ahead of the partition until it has caught up. */
async function forgottenUpTo(
  { state, objects, pipeline }: PlanDependencies,
  partition: number,
  to: Position,
  deadline: number,
): Promise<Position | undefined> {
  const cycle = await state.readCycle(pipeline.name, deadline);
  if (!cycle || cycle.acknowledging === 0) return undefined;
  const { snapshot } = await readSnapshot(objects, pipeline.name, cycle.acknowledging, deadline);
  const told = snapshot.partitions.find((found) => found.partition === partition)?.committed;
  return told && isAfter(told, to) ? told : undefined;
}

async function giveBack(cycle: Lease<CycleState>): Promise<void> {
  // The work's own error matters more than a lease that runs out by itself.
  await cycle.release().catch(() => undefined);
}
