import { PulsehouseError } from '../../../pipeline/errors.ts';
import { formatPosition, type Position } from '../../../pipeline/position.ts';
import type { Entry, MessageMetadata } from '../../../ports/transport.ts';
import { openEntry, openPayload, type RawEntry } from '../entry.ts';
import { malformed } from '../protobuf/byte-cursor.ts';

/** The pieces of one chunked message, in order. */
interface Pieces {
  readonly first: RawEntry;
  readonly frames: RawEntry[];
  bytes: number;
}

/**
 * Everything from the first chunk of a message up to the point where no message is incomplete. Producers interleave:
 * between two chunks may lie other messages, and chunks of others. A position within would cut a message in two, so
 * all of it becomes one entry, whose position is that of the last frame. Deterministic, as every reader that starts
 * before it sees the same frames.
 */
export class EntryGroup {
  readonly #maxBytes: number;
  readonly #maxEntryBytes: number;
  readonly #incomplete = new Map<string, Pieces>();
  readonly #whole: Entry[] = [];
  #first: Position | undefined;
  #bytes = 0;

  /** @param maxBytes most bytes held while messages are incomplete. */
  constructor(maxBytes: number, maxEntryBytes: number) {
    this.#maxBytes = maxBytes;
    this.#maxEntryBytes = maxEntryBytes;
  }

  /**
   * Answers the entry once every message is complete.
   * @throws PulsehouseError PH_PULSAR_CHUNKS_INCOMPLETE when a chunk is missing, or the bound is reached.
   */
  add(raw: RawEntry): Entry | undefined {
    this.#first ??= raw.position;
    this.#bytes += raw.frame.length;
    if (raw.metadata.chunks > 1) this.#addChunk(raw);
    else this.#whole.push(openEntry(raw, this.#maxEntryBytes));
    if (this.#incomplete.size === 0) return this.#merge(raw);
    if (this.#bytes > this.#maxBytes) {
      const [oldest] = this.#incomplete.values();
      throw incomplete(
        `the chunks that begin at ${formatPosition(oldest?.first.position ?? raw.position)} are not complete after ${this.#bytes} bytes`,
      );
    }
    return undefined;
  }

  #addChunk(raw: RawEntry): void {
    const { uuid, chunkId, chunks, totalChunkSize } = raw.metadata;
    if (uuid === undefined || chunkId < 0 || chunkId >= chunks || totalChunkSize < 0) {
      throw malformed(`chunk ${chunkId} of ${chunks} of message ${uuid}`);
    }
    if (totalChunkSize > this.#maxEntryBytes) {
      throw new PulsehouseError(
        'PH_PULSAR_ENTRY_TOO_LARGE',
        `a chunked message of ${totalChunkSize} bytes exceeds the limit of ${this.#maxEntryBytes}`,
      );
    }
    // A producer that lost its connection sends the message again from its first chunk.
    if (chunkId === 0) this.#incomplete.set(uuid, { first: raw, frames: [], bytes: 0 });
    const pieces = this.#incomplete.get(uuid);
    const expected = pieces?.frames.length ?? 0;
    if (pieces === undefined || chunkId > expected) {
      throw incomplete(`chunk ${chunkId} of message ${uuid} came where chunk ${expected} had to`);
    }
    // Sent again, and already here.
    if (chunkId < expected) return;
    pieces.frames.push(raw);
    pieces.bytes += raw.frame.length - raw.payloadStart;
    if (pieces.bytes > totalChunkSize) throw malformed(`message ${uuid} is longer than its chunks announced`);
    if (pieces.frames.length < chunks) return;
    if (pieces.bytes !== totalChunkSize)
      throw malformed(`message ${uuid} is shorter than its chunks announced`);
    this.#incomplete.delete(uuid);
    this.#whole.push(this.#join(pieces, raw));
  }

  #join(pieces: Pieces, last: RawEntry): Entry {
    const bytes = Buffer.allocUnsafe(pieces.bytes);
    let at = 0;
    let wireBytes = 0;
    for (const { frame, payloadStart } of pieces.frames) {
      bytes.set(frame.subarray(payloadStart), at);
      at += frame.length - payloadStart;
      wireBytes += frame.length;
    }
    const extent = { firstPosition: pieces.first.position, wireBytes, maxBytes: this.#maxEntryBytes };
    return openPayload(last, pieces.first.metadata, { bytes, start: 0, end: at }, extent);
  }

  #merge(last: RawEntry): Entry {
    const [only, ...others] = this.#whole;
    if (only !== undefined && others.length === 0) return only;
    return new MergedEntry(this.#whole, last, this.#first ?? last.position);
  }
}

function incomplete(what: string): PulsehouseError {
  return new PulsehouseError('PH_PULSAR_CHUNKS_INCOMPLETE', what);
}

/** Several entries given out as one, messages numbered through in the order in which they were completed. */
class MergedEntry implements Entry {
  readonly position: Position;
  readonly firstPosition: Position;
  readonly publishTime: number;
  readonly count: number;
  readonly data: Uint8Array;
  readonly bounds: Int32Array;
  readonly messages: number;
  readonly wireBytes: number;
  readonly brokerIndex: number | undefined;
  readonly schemaVersion: Uint8Array | undefined;
  readonly #parts: readonly Entry[];

  constructor(parts: readonly Entry[], last: RawEntry, firstPosition: Position) {
    this.#parts = parts;
    this.position = last.position;
    this.firstPosition = firstPosition;
    this.publishTime = Math.max(...parts.map((part) => part.publishTime));
    this.count = sum(parts, (part) => part.count);
    this.messages = sum(parts, (part) => part.messages);
    this.wireBytes = sum(parts, (part) => part.wireBytes);
    this.brokerIndex = last.brokerIndex;
    this.schemaVersion = parts[0]?.schemaVersion;
    this.data = Buffer.concat(parts.map((part) => part.data));
    this.bounds = new Int32Array(2 * this.count);
    let at = 0;
    let offset = 0;
    for (const { bounds, data } of parts) {
      for (let index = 0; index < bounds.length; index += 2) {
        const start = bounds[index] as number;
        const end = bounds[index + 1] as number;
        this.bounds[at++] = start < 0 ? start : start + offset;
        this.bounds[at++] = start < 0 ? end : end + offset;
      }
      offset += data.length;
    }
  }

  metadata(index: number): MessageMetadata {
    let within = index;
    for (const part of this.#parts) {
      if (within < part.count) return part.metadata(within);
      within -= part.count;
    }
    throw new RangeError(`message ${index} of an entry of ${this.count}`);
  }
}

function sum(parts: readonly Entry[], of: (part: Entry) => number): number {
  return parts.reduce((total, part) => total + of(part), 0);
}
