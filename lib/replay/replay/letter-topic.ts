import { BEFORE_ALL, isAfter, type Position } from '../../pipeline/position.ts';
import type { Entry } from '../../ports/transport.ts';
import {
  type DeadLetterSource,
  type DeadLetterStores,
  deadLettersIn,
} from '../comparison/dead-letters-in.ts';
import type { Segment } from '../comparison/segments.ts';
import { byEntry, toEntry } from './letter-entries.ts';

interface LetterEntry {
  readonly position: Position;
  /** Ascending. */
  readonly indexes: readonly number[];
  /** Undefined beyond what memory may hold: then its object is read once more. */
  readonly entry: Entry | undefined;
}

/** Payloads of a range are held up to so many bytes. */
const MOST_BYTES = 64 * 1024 * 1024;

/** The dead letters of one range, as a topic that never changes. */
export class LetterTopic {
  readonly entries: readonly LetterEntry[];
  private readonly reread: (after: Position) => AsyncGenerator<Entry, void, void>;

  private constructor(
    entries: readonly LetterEntry[],
    reread: (after: Position) => AsyncGenerator<Entry, void, void>,
  ) {
    this.entries = entries;
    this.reread = reread;
  }

  /** @throws PulsehouseError PH_HALT_DEAD_LETTERS_LOST */
  static async read(
    stores: DeadLetterStores,
    sources: readonly DeadLetterSource[],
    range: Segment,
    deadline: number,
    mostBytes = MOST_BYTES,
  ): Promise<LetterTopic> {
    const entries: LetterEntry[] = [];
    let bytes = 0;
    for await (const found of byEntry(deadLettersIn(stores, sources, range, deadline))) {
      const entry = toEntry(found);
      bytes += entry.dataBytes;
      const indexes = found.letters.map(({ index }) => index);
      entries.push({ position: found.position, indexes, entry: bytes <= mostBytes ? entry : undefined });
    }
    return new LetterTopic(entries, async function* (after) {
      const rest = deadLettersIn(stores, sources, { after, to: range.to }, deadline);
      for await (const found of byEntry(rest)) yield toEntry(found);
    });
  }

  /** BEFORE_ALL when there is none. */
  get last(): Position {
    return this.entries.at(-1)?.position ?? BEFORE_ALL;
  }

  /** Those of `(after, to]`. */
  within({ after, to }: Segment): readonly LetterEntry[] {
    return this.entries.slice(this.firstAfter(after), this.firstAfter(to));
  }

  async *readAfter(after: Position): AsyncGenerator<Entry, void, void> {
    let reached = after;
    for (const { entry } of this.entries.slice(this.firstAfter(after))) {
      if (!entry) {
        yield* this.reread(reached);
        return;
      }
      yield entry;
      reached = entry.position;
    }
  }

  private firstAfter(position: Position): number {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const found = this.entries[middle];
      if (found && isAfter(found.position, position)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
