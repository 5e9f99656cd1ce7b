import type { StoredSnapshot } from '../../checkpoint/snapshot.ts';
import { listSnapshots, readSnapshot } from '../../checkpoint/snapshots.ts';
import { isPulsehouseError, PulsehouseError } from '../../pipeline/errors.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import { noSnapshotOf } from '../named-snapshot.ts';

/**
 * The newest snapshot that is whole, or the one numbered `number`, held against the one after it, which names its hash.
 * @throws PulsehouseError PH_SNAPSHOT_MISSING when there is none, PH_SNAPSHOT_CORRUPT when the one wanted is not the one
 * that its successor names.
 */
export async function newestValidSnapshot(
  objects: ObjectStore,
  pipeline: string,
  number: number | undefined,
  deadline: number,
): Promise<StoredSnapshot> {
  const numbers = await listSnapshots(objects, pipeline, deadline);
  let successor: StoredSnapshot | undefined;
  for (const candidate of numbers.toReversed()) {
    const stored = await readWhole(objects, pipeline, candidate, deadline);
    if (!stored) continue;
    const named = successor?.snapshot.previous;
    const isNamed = named?.number !== candidate || named.hash === stored.hash;
    if (isNamed && (number === undefined || candidate === number)) return stored;
    if (!isNamed && candidate === number) {
      throw new PulsehouseError(
        'PH_SNAPSHOT_CORRUPT',
        `snapshot ${candidate} is not the one that snapshot ${successor?.snapshot.number} names`,
      );
    }
    successor = stored;
  }
  if (number !== undefined) throw noSnapshotOf(number, pipeline, numbers);
  throw new PulsehouseError('PH_SNAPSHOT_MISSING', `there is no whole snapshot of ${pipeline}`, {
    where: { pipeline },
  });
}

async function readWhole(
  objects: ObjectStore,
  pipeline: string,
  number: number,
  deadline: number,
): Promise<StoredSnapshot | undefined> {
  try {
    const stored = await readSnapshot(objects, pipeline, number, deadline);
    return stored.snapshot.number === number ? stored : undefined;
  } catch (error) {
    const unfit =
      isPulsehouseError(error) &&
      (error.code === 'PH_SNAPSHOT_CORRUPT' || error.code === 'PH_SNAPSHOT_MISSING');
    if (!unfit) throw error;
    return undefined;
  }
}
