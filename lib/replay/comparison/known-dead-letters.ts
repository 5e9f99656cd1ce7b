import { type DeadLetterSource, type DeadLetterStores, deadLettersIn } from './dead-letters-in.ts';
import type { Segment } from './segments.ts';

/** Message indexes that are dead letters, by the position of their entry. */
export type DeadLetterIndex = ReadonlyMap<string, ReadonlySet<number>>;

/**
 * The dead letters of a range that count.
 * @throws PulsehouseError PH_HALT_DEAD_LETTERS_LOST when a named object is gone or holds fewer.
 */
export async function knownDeadLetters(
  stores: DeadLetterStores,
  sources: readonly DeadLetterSource[],
  range: Segment,
  deadline: number,
): Promise<DeadLetterIndex> {
  const index = new Map<string, Set<number>>();
  for await (const { letter } of deadLettersIn(stores, sources, range, deadline)) {
    const indexes = index.get(letter.position) ?? new Set();
    index.set(letter.position, indexes.add(letter.index));
  }
  return index;
}
