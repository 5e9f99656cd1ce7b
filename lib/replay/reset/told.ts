import { readSnapshot } from '../../checkpoint/snapshots.ts';
import { isPulsehouseError, PulsehouseError } from '../../pipeline/errors.ts';
import type { PartitionState } from '../../pipeline/partition-state.ts';
import { BEFORE_ALL, formatPosition, isAfter, laterOf, type Position } from '../../pipeline/position.ts';
import type { ReplayDependencies } from '../dependencies.ts';

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
  const told = (await readTold(dependencies, deadline))(found);
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

/**
 * Up to where Pulsar may have been told to forget each partition. Written ahead of the telling, so that it covers what is
 * still on its way.
 */
export async function readTold(
  { state, objects, pipeline }: ToldDependencies,
  deadline: number,
): Promise<(partition: PartitionState) => Position> {
  const cycle = await state.readCycle(pipeline.name, deadline);
  if (!cycle || cycle.acknowledging === 0) return ({ forgotten = BEFORE_ALL }) => forgotten;
  try {
    const { snapshot } = await readSnapshot(objects, pipeline.name, cycle.acknowledging, deadline);
    return ({ partition, forgotten = BEFORE_ALL }) => {
      const then = snapshot.partitions.find((found) => found.partition === partition);
      return then ? laterOf(then.committed, forgotten) : forgotten;
    };
  } catch (error) {
    const lost =
      isPulsehouseError(error) &&
      (error.code === 'PH_SNAPSHOT_MISSING' || error.code === 'PH_SNAPSHOT_CORRUPT');
    if (!lost) throw error;
    // Nobody knows what it said, but never more than was committed.
    return ({ committed, forgotten = BEFORE_ALL }) => laterOf(committed, forgotten);
  }
}
