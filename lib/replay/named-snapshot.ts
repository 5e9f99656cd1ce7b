import type { StoredSnapshot } from '../checkpoint/snapshot.ts';
import { listSnapshots, readSnapshot } from '../checkpoint/snapshots.ts';
import { isPulsehouseError, PulsehouseError } from '../pipeline/errors.ts';
import type { ObjectStore } from '../ports/object-store.ts';

/**
 * The snapshot of a checkpoint that a person named.
 * @throws PulsehouseError PH_SNAPSHOT_MISSING, which names those there are; PH_SNAPSHOT_CORRUPT.
 */
export async function namedSnapshot(
  objects: ObjectStore,
  pipeline: string,
  number: number,
  deadline: number,
): Promise<StoredSnapshot> {
  try {
    return await readSnapshot(objects, pipeline, number, deadline);
  } catch (error) {
    if (!isPulsehouseError(error) || error.code !== 'PH_SNAPSHOT_MISSING') throw error;
    throw noSnapshotOf(number, pipeline, await listSnapshots(objects, pipeline, deadline));
  }
}

/** It never was, was deleted in its turn (`checkpoint.snapshotsKept`), or was lost, which an audit tells. */
export function noSnapshotOf(number: number, pipeline: string, standing: readonly number[]): PulsehouseError {
  const [first] = standing;
  return new PulsehouseError('PH_SNAPSHOT_MISSING', `there is no snapshot of checkpoint ${number}`, {
    where: { pipeline },
    nextStep:
      first === undefined
        ? 'There is none at all yet: `pulsehouse checkpoint` takes one.'
        : `Name one that is kept: ${first} to ${standing.at(-1)}. If it should be among them, \`pulsehouse audit\` says which are lost.`,
  });
}
