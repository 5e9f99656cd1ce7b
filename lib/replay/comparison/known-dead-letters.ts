import type { ObjectStore } from '../../ports/object-store.ts';
import { readDeadLetterObjects } from './dead-letter-objects.ts';
import type { ReadBatch } from './ledger.ts';

/** Message indexes that are dead letters, by the position of their entry. */
export type DeadLetterIndex = ReadonlyMap<string, ReadonlySet<number>>;

/**
 * The dead letters that the given batches name.
 * @throws PulsehouseError PH_HALT_DEAD_LETTERS_LOST when a named object is gone or holds fewer.
 */
export async function knownDeadLetters(
  objects: ObjectStore,
  batches: readonly ReadBatch[],
  deadline: number,
): Promise<DeadLetterIndex> {
  const index = new Map<string, Set<number>>();
  for await (const letters of readDeadLetterObjects(objects, batches, deadline)) {
    for (const letter of letters) {
      const indexes = index.get(letter.position) ?? new Set();
      index.set(letter.position, indexes.add(letter.index));
    }
  }
  return index;
}
