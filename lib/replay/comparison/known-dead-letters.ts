import { parseDeadLetters } from '../../consume/dead-letters.ts';
import { PulsehouseError } from '../../pipeline/errors.ts';
import { parsePosition } from '../../pipeline/position.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { ReadBatch } from './ledger.ts';
import { isIn } from './segments.ts';

/** Message indexes that are dead letters, by the position of their entry. */
export type DeadLetterIndex = ReadonlyMap<string, ReadonlySet<number>>;

/**
 * The dead letters that the given batches name. Only those count: an object no batch names belongs to a try that ended
 * before its intent was written.
 * @throws PulsehouseError PH_HALT_DEAD_LETTERS_LOST when a named object is gone or holds fewer.
 */
export async function knownDeadLetters(
  objects: ObjectStore,
  batches: readonly ReadBatch[],
  deadline: number,
): Promise<DeadLetterIndex> {
  const index = new Map<string, Set<number>>();
  for (const { deadLetters, decidedAnew = [] } of batches) {
    if (!deadLetters) continue;
    const body = await objects.read(deadLetters.key, deadline);
    const letters = body ? parseDeadLetters(body) : [];
    if (letters.length !== deadLetters.count) {
      const message = `${deadLetters.key} should hold ${deadLetters.count} dead letters and holds ${letters.length}`;
      throw new PulsehouseError('PH_HALT_DEAD_LETTERS_LOST', message);
    }
    for (const letter of letters) {
      if (isIn(parsePosition(letter.position), decidedAnew)) continue;
      const indexes = index.get(letter.position) ?? new Set();
      index.set(letter.position, indexes.add(letter.index));
    }
  }
  return index;
}
