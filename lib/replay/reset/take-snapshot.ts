import { newSnapshot, type Snapshot, snapshotKey } from '../../checkpoint/snapshot.ts';
import { createSnapshot, listSnapshots, readSnapshot } from '../../checkpoint/snapshots.ts';
import type { Lease } from '../../leases/lease.ts';
import type { CycleState } from '../../pipeline/cycle-state.ts';
import { completeCheckpoint } from '../../pipeline/cycle-transitions.ts';
import { isPulsehouseError } from '../../pipeline/errors.ts';
import type { PlanDependencies } from '../replay/plan.ts';

/** Makes the states as they stand the newest checkpoint, under a number that nobody used before. */
export async function takeSnapshot(
  { objects, pipeline, state, environment }: PlanDependencies,
  cycle: Lease<CycleState>,
  deadline: number,
): Promise<Snapshot> {
  const at = environment.now();
  for (;;) {
    const newest = (await listSnapshots(objects, pipeline.name, deadline)).at(-1) ?? 0;
    const number = Math.max(cycle.state.opened, newest) + 1;
    await cycle.update((standing) => ({ ...standing, opened: number }));
    const states = await state.readPartitions(pipeline.name, cycle.state.partitions, deadline);
    const previous = await newestWhole(objects, pipeline.name, newest, deadline);
    const offered = newSnapshot(
      {
        pipeline: pipeline.name,
        topic: pipeline.topic,
        subscription: pipeline.subscription,
        number,
        generation: cycle.state.generation,
        takenAt: environment.now(),
        previous,
      },
      states,
    );
    const stored = await createSnapshot(objects, offered, deadline);
    // Somebody else's object under this number: take the next one.
    if (stored.snapshot.takenAt !== offered.takenAt) continue;
    await cycle.update((standing) => completeCheckpoint(standing, number));
    await state.putCheckpoint(
      {
        pipeline: pipeline.name,
        number,
        epoch: cycle.state.epoch,
        status: 'complete',
        openedAt: at,
        completedAt: environment.now(),
        snapshotKey: snapshotKey(pipeline.name, number),
        messages: 0,
        rows: 0,
        deadLetters: 0,
        laggards: [],
        laggardCount: 0,
      },
      deadline,
    );
    return stored.snapshot;
  }
}

async function newestWhole(
  objects: PlanDependencies['objects'],
  pipeline: string,
  number: number,
  deadline: number,
): Promise<Snapshot['previous']> {
  if (number === 0) return undefined;
  try {
    const { snapshot, hash } = await readSnapshot(objects, pipeline, number, deadline);
    return { number: snapshot.number, hash };
  } catch (error) {
    if (isPulsehouseError(error) && error.code === 'PH_SNAPSHOT_CORRUPT') return undefined;
    throw error;
  }
}
