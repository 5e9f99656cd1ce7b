import type { Position } from '../../pipeline/position.ts';
import type { BadMessage } from '../../ports/sink.ts';
import type { Entry } from '../../ports/transport.ts';
import { NumberList } from './number-list.ts';

interface EntryRows {
  readonly position: Position;
  readonly publishTime: number;
  readonly firstRow: number;
}

/** Which message each row of a body came from: rows are in the order of their entries, and of the messages within. */
export class RowOrigins {
  readonly #entries: EntryRows[] = [];
  /** Each row's message index within its entry. */
  readonly #indexes = new NumberList();

  get rows(): number {
    return this.#indexes.length;
  }

  beginEntry({ position, publishTime }: Pick<Entry, 'position' | 'publishTime'>): void {
    this.#entries.push({ position, publishTime, firstRow: this.rows });
  }

  /** One more row of the entry begun last. */
  add(index: number): void {
    this.#indexes.push(index);
  }

  /** As many rows more. @param words from `indexes` on hold the index of each */
  addAll(rows: number, words: Int32Array, indexes: number): void {
    this.#indexes.append(words, indexes, rows);
  }

  /** @throws RangeError when the body has no such row. */
  messageAt(row: number): Pick<BadMessage, 'position' | 'index' | 'publishTime'> {
    if (!(row >= 0 && row < this.rows)) throw new RangeError(`row ${row} of a body of ${this.rows}`);
    const { position, publishTime } = this.#entries[this.#entryOf(row)] as EntryRows;
    return { position, index: this.#indexes.at(row) as number, publishTime };
  }

  /** The last entry that begins at or before the row and has rows. */
  #entryOf(row: number): number {
    let low = 0;
    let high = this.#entries.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#entries[middle] as EntryRows).firstRow <= row) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
