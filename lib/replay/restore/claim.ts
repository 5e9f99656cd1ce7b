import {
  newSnapshot,
  type Snapshot,
  type SnapshotPartition,
  type StoredSnapshot,
} from '../../checkpoint/snapshot.ts';
import { createSnapshot, listSnapshots } from '../../checkpoint/snapshots.ts';
import { firstEpoch, newGeneration } from '../../leases/generation.ts';
import { PulsehouseError } from '../../pipeline/errors.ts';
import { NO_TOTALS } from '../../pipeline/partition-state.ts';
import { BEFORE_ALL, isAfter } from '../../pipeline/position.ts';
import type { PlanDependencies } from '../replay/plan.ts';

/** Far above any epoch that could have been given out since the snapshot, one a lease. */
export const EPOCHS_AHEAD = 1_000_000_000;

/** A state that is there and not behind is worth more than any snapshot. */
export async function assertLost(
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
export async function claim(
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
