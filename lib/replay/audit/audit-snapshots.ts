import type { Snapshot, StoredSnapshot } from '../../checkpoint/snapshot.ts';
import { listSnapshots, readSnapshot, surplusOf } from '../../checkpoint/snapshots.ts';
import type { CycleState } from '../../pipeline/cycle-state.ts';
import { isPulsehouseError } from '../../pipeline/errors.ts';
import type { PartitionState } from '../../pipeline/partition-state.ts';
import { formatPosition, isAfter } from '../../pipeline/position.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { ReplayDependencies } from '../dependencies.ts';

export interface SnapshotFindings {
  readonly problems: readonly string[];
  readonly remarks: readonly string[];
}

/** The chain of snapshots, oldest first, against itself and against the states: acknowledged <= snapshot <= committed. */
export async function checkSnapshots(
  { objects, state, pipeline: described }: Pick<ReplayDependencies, 'objects' | 'state' | 'pipeline'>,
  standing: { readonly cycle: CycleState; readonly states: readonly PartitionState[] },
  deadline: number,
): Promise<SnapshotFindings> {
  const problems: string[] = [];
  const { name: pipeline, checkpoint } = described;
  const { cycle, states } = standing;
  const numbers = await listSnapshots(objects, pipeline, deadline);
  // One that was pruned may have been made anew by a cycle long dead, with something else in it: it is pruned again.
  const surplus = surplusOf(numbers, { kept: checkpoint.snapshotsKept, acknowledged: cycle.acknowledged });
  let before: StoredSnapshot | undefined;
  let known: Snapshot | undefined;
  for (const number of numbers) {
    if (surplus.includes(number)) continue;
    const stored = await readOne(objects, pipeline, number, deadline, problems);
    if (stored && before) problems.push(...linkProblems(before, stored));
    before = stored ?? before;
    // A newer one may have been taken since the states were read.
    if (stored && number <= cycle.latest) known = stored.snapshot;
  }
  const isGone = cycle.latest > 0 && !numbers.includes(cycle.latest);
  // Read after the listing: what is acknowledged beyond it by now may have been pruned meanwhile.
  if (isGone && ((await state.readCycle(pipeline, deadline))?.acknowledged ?? 0) <= cycle.latest) {
    problems.push(`checkpoint ${cycle.latest} is complete and its snapshot is not there`);
  }
  if (known) problems.push(...aheadOfStates(known, states));
  if (cycle.acknowledging > cycle.latest) {
    problems.push(
      `checkpoint ${cycle.acknowledging} is being acknowledged and ${cycle.latest} is the latest`,
    );
  }
  const remarks = numbers.length === 0 ? ['no checkpoint was taken yet'] : [];
  return { problems, remarks };
}

async function readOne(
  objects: ObjectStore,
  pipeline: string,
  number: number,
  deadline: number,
  problems: string[],
): Promise<StoredSnapshot | undefined> {
  try {
    const stored = await readSnapshot(objects, pipeline, number, deadline);
    if (stored.snapshot.number === number) return stored;
    problems.push(`the object of snapshot ${number} is that of ${stored.snapshot.number}`);
    return undefined;
  } catch (error) {
    // Pruned between the listing and the reading.
    if (isPulsehouseError(error) && error.code === 'PH_SNAPSHOT_MISSING') return undefined;
    if (!isPulsehouseError(error) || error.code !== 'PH_SNAPSHOT_CORRUPT') throw error;
    problems.push(error.message);
    return undefined;
  }
}

function linkProblems(before: StoredSnapshot, after: StoredSnapshot): string[] {
  const { previous, number } = after.snapshot;
  // It follows an older one: `before` came late, from a cycle that was fenced by then, and nobody goes by it.
  if (previous && previous.number < before.snapshot.number) return [];
  // The same where there was none yet: it was taken after the one that it stands before (seed 16502, `--with reset`).
  if (!previous && before.snapshot.takenAt > after.snapshot.takenAt) return [];
  const names = previous?.number === before.snapshot.number;
  if (names && previous.hash !== before.hash) {
    return [`snapshot ${number} names another snapshot ${before.snapshot.number} than the one that is there`];
  }
  return before.snapshot.partitions.flatMap((then) => {
    const now = after.snapshot.partitions[then.partition];
    const sameGeneration = now?.generation === then.generation;
    return sameGeneration && isAfter(then.committed, now.committed)
      ? [`snapshot ${number} takes partition ${then.partition} back from ${formatPosition(then.committed)}`]
      : [];
  });
}

function aheadOfStates(snapshot: Snapshot, states: readonly PartitionState[]): string[] {
  return snapshot.partitions.flatMap((then) => {
    const state = states.find(({ partition }) => partition === then.partition);
    return state?.generation === then.generation && isAfter(then.committed, state.committed)
      ? [
          `snapshot ${snapshot.number} says partition ${then.partition} is at ${formatPosition(then.committed)}; its state stands at ${formatPosition(state.committed)}`,
        ]
      : [];
  });
}
