import { formatPosition } from '../../pipeline/position.ts';
import { type Entry, isWithoutValue } from '../../ports/transport.ts';
import type { DeadLetterIndex } from './known-dead-letters.ts';

/** What the messages of an entry that Pulsar still has must be. */
export interface ExpectedMessages {
  readonly rows: number;
  readonly deadLetters: number;
  /** Messages without a value that are no dead letters: none of them can ever have been a row. */
  readonly filtered: number;
}

export function expectedOf(entry: Entry, deadLetters: DeadLetterIndex): ExpectedMessages {
  const letters = deadLetters.get(formatPosition(entry.position));
  let filtered = 0;
  for (let index = 0; index < entry.count; index += 1) {
    if (isWithoutValue(entry, index) && !letters?.has(index)) filtered += 1;
  }
  const count = letters?.size ?? 0;
  return { rows: entry.messages - count - filtered, deadLetters: count, filtered };
}
