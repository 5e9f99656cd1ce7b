import type { Residing } from '../../kernel/kernel.ts';
import type { BadMessage } from '../../ports/sink.ts';
import type { Entry } from '../../ports/transport.ts';
import { VERDICT } from './row-encoder.ts';

/** About what the objects of a kept entry take, beside its bytes. */
const ENTRY_BYTES = 512;
const BOUNDS_BYTES = 8;

/** An entry and which of its messages are rows: those whose verdict is another than `skipped`; all, without verdicts. */
export interface EntryRows {
  readonly entry: Entry;
  readonly rows: number;
  readonly verdicts: Uint8Array | undefined;
}

interface KeptEntry extends EntryRows {
  readonly firstRow: number;
}

export function isRow(verdicts: Uint8Array | undefined, index: number): boolean {
  return verdicts?.[index] !== VERDICT.skipped;
}

/** Entries and which of their messages are rows: what rows can be made from again, in their order. */
export class KeptEntries {
  readonly #entries: KeptEntry[] = [];
  #rows = 0;
  #bytes = 0;

  get rows(): number {
    return this.#rows;
  }

  /** About the bytes of memory that they take. */
  get byteLength(): number {
    return this.#bytes;
  }

  add(kept: EntryRows): void {
    const { entry, rows, verdicts } = kept;
    if (rows === 0) return;
    this.#entries.push({ ...kept, firstRow: this.#rows });
    this.#rows += rows;
    this.#bytes += heldBytes(entry) + (verdicts?.byteLength ?? 0) + ENTRY_BYTES;
  }

  /** @throws RangeError when there is no such row */
  messageAt(row: number): Pick<BadMessage, 'position' | 'index' | 'publishTime'> {
    const { entry, verdicts, firstRow } = this.#keptOf(row);
    let index = -1;
    for (let left = row - firstRow; left >= 0; left--) {
      do index++;
      while (!isRow(verdicts, index));
    }
    return { position: entry.position, index, publishTime: entry.publishTime };
  }

  /** Gives each entry to `take`, and keeps none of them. */
  release(take: (kept: EntryRows) => void): void {
    const entries = this.#entries.splice(0).reverse();
    this.#rows = 0;
    this.#bytes = 0;
    for (let kept = entries.pop(); kept; kept = entries.pop()) take(kept);
  }

  /** The last entry that begins at or before the row and has rows. */
  #keptOf(row: number): KeptEntry {
    if (!(row >= 0 && row < this.#rows)) throw new RangeError(`row ${row} of a body of ${this.#rows}`);
    let low = 0;
    let high = this.#entries.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#entries[middle] as KeptEntry).firstRow <= row) low = middle;
      else high = middle - 1;
    }
    return this.#entries[low] as KeptEntry;
  }
}

/** Who can put itself into the kernel again holds its payload as it came. */
function heldBytes(entry: Entry & Partial<Residing>): number {
  return entry.putInto === undefined ? entry.dataBytes + entry.count * BOUNDS_BYTES : entry.wireBytes;
}
