import { PulsehouseError } from '../pipeline/errors.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { clearHalt, type HoldDependencies, holdCycle } from './hold.ts';
import { beginOperation, endOperation, type Operation, operationId } from './journal.ts';
import { readUnfinished } from './unfinished.ts';
import { unknownPartition } from './unknown-partition.ts';

export interface PauseDependencies extends HoldDependencies {
  readonly objects: ObjectStore;
}

export interface ByHand {
  /** Who does it, for the record. */
  readonly by: string;
  /** Unique for each invocation. */
  readonly owner: string;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
}

const LOOK_AGAIN = 250;

/** Nothing is consumed or acknowledged until `resume`. Answers when every consumer has committed and let go. */
export async function pause(dependencies: PauseDependencies, { by, owner, deadline }: ByHand): Promise<void> {
  const { state, pipeline, environment } = dependencies;
  const lease = await holdCycle(dependencies, owner, deadline);
  await lease.release((cycle) => ({ ...cycle, paused: true }));
  await recordByHand(dependencies, { kind: 'pause', by }, deadline);
  for (;;) {
    const states = await state.readPartitions(pipeline.name, lease.state.partitions, deadline);
    const held = states.find(({ owner: holder, leaseUntil }) => holder && leaseUntil > environment.now());
    if (!held) return;
    if (environment.now() + LOOK_AGAIN >= deadline) {
      throw new PulsehouseError(
        'PH_REPLAY_BUSY',
        `partition ${held.partition} is still held by ${held.owner}`,
        {
          nextStep: 'It is paused and ends by itself; run `pulsehouse pause` again to wait for it.',
        },
      );
    }
    await environment.sleep(LOOK_AGAIN);
  }
}

/**
 * Lets the pipeline, and the halted partitions of it, go on. Answers the partitions whose halt was cleared.
 * @throws PulsehouseError PH_RESET_UNFINISHED while something done by hand was cut off: rows and positions may disagree;
 * PH_RANGE_INVALID for a partition that there is not.
 */
export async function resumePipeline(
  dependencies: PauseDependencies,
  { by, owner, deadline }: ByHand,
  partitions?: readonly number[],
): Promise<readonly PartitionState[]> {
  const { state, pipeline } = dependencies;
  const [first] = await readUnfinished(dependencies, deadline);
  if (first) {
    throw new PulsehouseError('PH_RESET_UNFINISHED', `${first.kind} ${first.id} by ${first.by} was cut off`, {
      where: { pipeline: pipeline.name },
    });
  }
  const cycle = await state.readCycle(pipeline.name, deadline);
  if (!cycle)
    throw new PulsehouseError('PH_STATE_MISSING', `pipeline ${pipeline.name} was never initialised`);
  const unknown = partitions?.find((partition) => partition >= cycle.partitions);
  if (unknown !== undefined) throw unknownPartition(pipeline, unknown);
  // One that cannot be read is halted by nobody, and keeps none of the others.
  const { states, unreadable } = await state.readEachPartition(
    pipeline.name,
    partitions ?? cycle.partitions,
    deadline,
  );
  if (partitions !== undefined && unreadable[0]) throw unreadable[0].error;
  const halted = states.filter(({ halted: halt }) => halt);
  for (const found of halted) await clearHalt(dependencies, found, deadline);
  if (partitions === undefined) {
    const lease = await holdCycle(dependencies, owner, deadline);
    await lease.release((standing) => ({ ...standing, paused: false }));
  }
  await recordByHand(dependencies, { kind: 'resume', by }, deadline);
  return halted;
}

export async function recordByHand(
  { objects, pipeline, environment }: PauseDependencies,
  done: { readonly kind: 'pause' | 'resume'; readonly by: string; readonly replay?: string },
  deadline: number,
): Promise<void> {
  const at = environment.now();
  const operation: Operation = { ...done, at, id: operationId(at, environment.uniqueId()) };
  await beginOperation(objects, pipeline.name, operation, deadline);
  await endOperation(objects, pipeline.name, operation, deadline);
}
