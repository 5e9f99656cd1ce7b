import { NumberList } from './number-list.ts';

const FIRST_CHUNK = 64 * 1024;
const LARGEST_CHUNK = 4 * 1024 * 1024;

interface Chunk {
  readonly bytes: Uint8Array;
  readonly firstRow: number;
  used: number;
}

/** Rows one after the other in large chunks; a row never crosses from one chunk into the next. */
export class RowBuffer {
  readonly #chunks: Chunk[] = [];
  /** Where each row begins in its chunk. */
  readonly #offsets = new NumberList();
  #closedBytes = 0;

  get rows(): number {
    return this.#offsets.length;
  }

  get byteLength(): number {
    return this.#closedBytes + (this.#chunks.at(-1)?.used ?? 0);
  }

  /** The chunk to write the next row into, with room for `bytes` from its `used` on. End the row with `commit`. */
  reserve(bytes: number): Chunk {
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.bytes.length - last.used >= bytes) return last;
    const doubled = last === undefined ? FIRST_CHUNK : Math.min(last.bytes.length * 2, LARGEST_CHUNK);
    // Never from Node's pool: a chunk lives as long as its batch. Unwritten bytes are never read.
    const chunk = {
      bytes: Buffer.allocUnsafeSlow(Math.max(doubled, bytes)),
      firstRow: this.rows,
      used: 0,
    };
    this.#closedBytes = this.byteLength;
    this.#chunks.push(chunk);
    return chunk;
  }

  /** Makes the bytes up to `end` of the reserved chunk one more row. */
  commit(chunk: Chunk, end: number): void {
    this.#offsets.push(chunk.used);
    chunk.used = end;
  }

  /** Copies rows that lie one behind the other. @param words from `starts` on say where each begins in `bytes` */
  append(bytes: Uint8Array, rows: number, words: Int32Array, starts: number): void {
    const chunk = this.reserve(bytes.length);
    chunk.bytes.set(bytes, chunk.used);
    this.#offsets.append(words, starts, rows, chunk.used);
    chunk.used += bytes.length;
  }

  /** The bytes of the rows `[from, to)`, in order. */
  slices(from: number, to: number): Uint8Array[] {
    const slices: Uint8Array[] = [];
    for (const [number, chunk] of this.#chunks.entries()) {
      const nextChunkRow = this.#chunks[number + 1]?.firstRow ?? this.rows;
      const first = Math.max(from, chunk.firstRow);
      const last = Math.min(to, nextChunkRow);
      if (first >= last) continue;
      const start = this.#offsets.at(first) as number;
      const end = last === nextChunkRow ? chunk.used : (this.#offsets.at(last) as number);
      slices.push(chunk.bytes.subarray(start, end));
    }
    return slices;
  }
}
