import type { Entry } from '../../../ports/transport.ts';
import { openPayload, type RawEntry } from '../entry.ts';
import { malformed } from '../protobuf/byte-cursor.ts';

/** A message of which some chunks have come and others have not. */
export class ChunkSequence {
  /** Everything that came of it, chunks sent again included. */
  readonly seen: RawEntry[] = [];
  /** What it will hold once it is whole, decompressed. */
  readonly announcedBytes: number;
  readonly #first: RawEntry;
  #seenBytes = 0;
  #chunks: RawEntry[] = [];

  /** @param first a chunk with the number 0. */
  constructor(first: RawEntry) {
    this.#first = first;
    const { totalChunkSize, compression, uncompressedSize } = first.metadata;
    this.announcedBytes = Math.max(0, totalChunkSize, compression === 0 ? 0 : uncompressedSize);
  }

  get first(): RawEntry {
    return this.#first;
  }

  /** What came before its producer began once more: a reader that begins behind it sees only the rest. */
  get firstAttempt(): readonly RawEntry[] {
    const again = this.seen.findIndex(({ metadata }, index) => index > 0 && metadata.chunkId === 0);
    return again < 0 ? this.seen : this.seen.slice(0, again);
  }

  /** Of payload, that it takes to hold it. */
  get bytes(): number {
    return Math.max(this.announcedBytes, this.#seenBytes);
  }

  get isWhole(): boolean {
    return this.#chunks.length === this.#first.metadata.chunks;
  }

  /** In words, for somebody who waits. */
  get progress(): string {
    const { ledger, entry } = this.#first.position;
    return `${this.#chunks.length} of ${this.#first.metadata.chunks} chunks of the message that begins at ${ledger}:${entry} are here`;
  }

  /** Answers what is wrong, when the chunk does not belong where it came. */
  add(chunk: RawEntry): string | undefined {
    this.seen.push(chunk);
    this.#seenBytes += chunk.frame.length - chunk.payloadStart;
    const { chunkId, chunks, totalChunkSize } = chunk.metadata;
    const { metadata } = this.#first;
    const agrees = chunks === metadata.chunks && totalChunkSize === metadata.totalChunkSize;
    if (!agrees || chunkId < 0 || chunkId >= chunks) return 'its chunks do not agree';
    // A producer that lost its connection sends the message again from its first chunk.
    if (chunkId === 0) this.#chunks = [];
    if (chunkId > this.#chunks.length) return `chunk ${this.#chunks.length + 1} of ${chunks} is missing`;
    // Otherwise sent again, and already here.
    if (chunkId === this.#chunks.length) this.#chunks.push(chunk);
    return undefined;
  }

  /** @throws PulsehouseError when the whole is not what was announced, or does not decompress. */
  join(maxBytes: number): Entry {
    const { metadata, position } = this.#first;
    const last = this.#chunks.at(-1) ?? this.#first;
    const size = this.#chunks.reduce((sum, { frame, payloadStart }) => sum + frame.length - payloadStart, 0);
    if (size !== metadata.totalChunkSize) {
      throw malformed(`${size} bytes in chunks where ${metadata.totalChunkSize} were announced`);
    }
    const bytes = Buffer.allocUnsafe(size);
    let at = 0;
    let wireBytes = 0;
    for (const { frame, payloadStart } of this.#chunks) {
      bytes.set(frame.subarray(payloadStart), at);
      at += frame.length - payloadStart;
      wireBytes += frame.length;
    }
    const extent = { firstPosition: position, wireBytes, maxBytes };
    return openPayload(last, metadata, { bytes, start: 0, end: size }, extent);
  }
}
