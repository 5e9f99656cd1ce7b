import { formatPosition } from '../../pipeline/position.ts';
import { COMPACTED_AWAY, type Entry, isWithoutValue } from '../../ports/transport.ts';
import { type IndexSet, sizeOf } from './index-set.ts';
import type { DeadLetterIndex } from './known-dead-letters.ts';

/** What the messages of an entry that Pulsar still has must be. */
export interface ExpectedMessages {
  /** Those that must each have one row, and how many they are. */
  readonly indexes: IndexSet;
  readonly rows: number;
  readonly deadLetters: number;
  /** Messages without a value that are no dead letters: none of them can ever have been a row. */
  readonly filtered: number;
}

const NONE: ReadonlySet<number> = new Set();

export function expectedOf(entry: Entry, deadLetters: DeadLetterIndex): ExpectedMessages {
  const { count, bounds } = entry;
  const letters = deadLetters.get(formatPosition(entry.position)) ?? NONE;
  const others: number[] = [];
  let filtered = 0;
  for (let index = 0; index < count; index += 1) {
    const isGone = bounds[2 * index] === -1 && bounds[2 * index + 1] === COMPACTED_AWAY;
    const isFiltered = !isGone && isWithoutValue(entry, index) && !letters.has(index);
    if (isFiltered) filtered += 1;
    if (isFiltered || isGone) others.push(index);
  }
  const indexes = { count, without: others.length === 0 ? letters : new Set([...letters, ...others]) };
  return { indexes, rows: sizeOf(indexes), deadLetters: letters.size, filtered };
}
