import { readSnapshot } from '../checkpoint/snapshots.ts';
import { isPulsehouseError, PulsehouseError } from '../pipeline/errors.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import { BEFORE_ALL, formatPosition, isAfter, laterOf, type Position } from '../pipeline/position.ts';
import type { ReplayDependencies } from './dependencies.ts';

type ToldDependencies = Pick<ReplayDependencies, 'state' | 'objects' | 'pipeline'>;

/**
 * A position below what Pulsar was told to forget cannot be gone back to. What is still there now may be trimmed before it
 * is read again, when its rows are removed already; and no cursor moved back would hold it, since an acknowledgement of
 * a cycle long dead may still arrive.
 * @throws PulsehouseError PH_RESET_REFUSED
 */
export async function assertNotTold(
  dependencies: ToldDependencies,
  found: PartitionState,
  to: Position,
  deadline: number,
): Promise<void> {
  const told = await toldUpTo(dependencies, found, deadline);
  if (!isAfter(told, to)) return;
  const { topic, partition } = found;
  throw new PulsehouseError(
    'PH_RESET_REFUSED',
    `Pulsar was told to forget everything up to ${formatPosition(told)}, which may happen at any moment`,
    {
      where: { topic, partition, position: formatPosition(to) },
      nextStep:
        'Choose a later position. `pulsehouse replay --mode replace` writes a range again that Pulsar still has; how far back a reset may go from now on is `checkpoint.acknowledgeBehind` in pipeline.yml.',
    },
  );
}

/** Written ahead of the telling, so that it covers what is still on its way. */
async function toldUpTo(
  { state, objects, pipeline }: ToldDependencies,
  { partition, committed, forgotten = BEFORE_ALL }: PartitionState,
  deadline: number,
): Promise<Position> {
  const cycle = await state.readCycle(pipeline.name, deadline);
  if (!cycle || cycle.acknowledging === 0) return forgotten;
  try {
    const { snapshot } = await readSnapshot(objects, pipeline.name, cycle.acknowledging, deadline);
    const then = snapshot.partitions.find((found) => found.partition === partition);
    return then ? laterOf(then.committed, forgotten) : forgotten;
  } catch (error) {
    const lost =
      isPulsehouseError(error) &&
      (error.code === 'PH_SNAPSHOT_MISSING' || error.code === 'PH_SNAPSHOT_CORRUPT');
    if (!lost) throw error;
    // Nobody knows what it said, but never more than was committed.
    return laterOf(committed, forgotten);
  }
}
