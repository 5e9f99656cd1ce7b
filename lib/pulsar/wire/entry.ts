import { type Kernel, kernel, type Residing } from '../../kernel/kernel.ts';
import { PulsehouseError } from '../../pipeline/errors.ts';
import type { Position } from '../../pipeline/position.ts';
import { type Entry, type MessageMetadata, NULL_VALUE } from '../../ports/transport.ts';
import { decompress } from './compression/codec.ts';
import { messageSections } from './frame/message-frame.ts';
import { decodeBrokerIndex } from './metadata/broker-entry-metadata.ts';
import { decodeMetadata, type WireMetadata } from './metadata/message-metadata.ts';
import { decodeSingleMetadata, findBounds } from './metadata/single-metadata.ts';
import { decodeInto, type PayloadSection, sizeOf } from './payload.ts';
import { ByteCursor, malformed } from './protobuf/byte-cursor.ts';

/** One MESSAGE frame, its checksum verified, its payload still as the producer compressed it. */
export interface RawEntry {
  readonly position: Position;
  readonly metadata: WireMetadata;
  readonly brokerIndex: number | undefined;
  readonly frame: Uint8Array;
  readonly payloadStart: number;
}

/** Permits the broker took for the entry: one for each message of a batch. */
export function permitsOf(entry: RawEntry): number {
  return entry.metadata.batchCount ?? 1;
}

/**
 * @param start where the frame's command ends.
 * @throws PulsehouseError PH_PULSAR_CHECKSUM, PH_PULSAR_ENCRYPTED or PH_PULSAR_MALFORMED
 */
export function readRawEntry(frame: Uint8Array, start: number, position: Position): RawEntry {
  const sections = messageSections(frame, start);
  const metadata = decodeMetadata(new ByteCursor(frame, sections.metadataStart, sections.metadataEnd));
  if (metadata.encrypted) {
    throw new PulsehouseError('PH_PULSAR_ENCRYPTED', 'the message is encrypted end to end');
  }
  const brokerIndex =
    sections.brokerEnd === 0 ? undefined : decodeBrokerIndex(frame, sections.brokerStart, sections.brokerEnd);
  return { position, metadata, brokerIndex, frame, payloadStart: sections.metadataEnd };
}

/**
 * Decompresses an entry and finds its messages.
 * @param maxBytes most that an entry may hold, looked at before anything is allocated.
 */
export function openEntry(raw: RawEntry, maxBytes: number): Entry {
  const { metadata, frame, payloadStart } = raw;
  return openPayload(
    raw,
    metadata,
    { bytes: frame, start: payloadStart, end: frame.length },
    {
      firstPosition: raw.position,
      wireBytes: frame.length,
      maxBytes,
    },
  );
}

export interface EntryExtent {
  readonly firstPosition: Position;
  readonly wireBytes: number;
  readonly maxBytes: number;
}

/** As `openEntry`, for a payload that may have been put together from chunks; `last` is the frame that completed it. */
export function openPayload(
  last: RawEntry,
  metadata: WireMetadata,
  payload: PayloadSection,
  extent: EntryExtent,
): Entry {
  const size = sizeOf(payload, metadata);
  if (size > extent.maxBytes) {
    throw new PulsehouseError(
      'PH_PULSAR_ENTRY_TOO_LARGE',
      `an entry of ${size} bytes exceeds the limit of ${extent.maxBytes}`,
    );
  }
  const count = metadata.batchCount ?? 1;
  // The smallest message of a batch is its size field and two bytes of metadata.
  const isCountable = count >= 0 && (metadata.batchCount === undefined || count * 6 <= size);
  const shared = kernel();
  const compactedAway = isCountable ? decodeInto(shared, payload, metadata, count) : undefined;
  if (compactedAway !== undefined) {
    const entry = new WireEntry(last, metadata, extent, payload, count - compactedAway);
    shared.residentOf = entry;
    return entry;
  }
  const data = decompress(metadata.compression, payload.bytes, payload.start, payload.end, size);
  if (!isCountable) throw malformed(`a batch of ${count} messages in ${data.length} bytes`);
  const { bounds, messages } = boundsOf(data, metadata, count);
  return new WireEntry(last, metadata, extent, payload, messages, { data, bounds });
}

function boundsOf(
  data: Uint8Array,
  { batchCount, retained, nullValue }: WireMetadata,
  count: number,
): { readonly bounds: Int32Array; readonly messages: number } {
  const bounds = new Int32Array(2 * count);
  if (batchCount !== undefined)
    return { bounds, messages: count - findBounds(data, count, retained, bounds) };
  if (nullValue) bounds.fill(NULL_VALUE);
  else bounds[1] = data.length;
  return { bounds, messages: count };
}

interface DecodedPayload {
  readonly data: Uint8Array;
  readonly bounds: Int32Array;
}

/** Holds its payload as it came; what it decodes to is in the kernel for a while, and is decoded again for whoever reads it later. */
class WireEntry implements Entry, Residing {
  readonly position: Position;
  readonly firstPosition: Position;
  readonly publishTime: number;
  readonly count: number;
  readonly dataBytes: number;
  readonly messages: number;
  readonly wireBytes: number;
  readonly brokerIndex: number | undefined;
  readonly schemaVersion: Uint8Array | undefined;
  readonly #metadata: WireMetadata;
  readonly #payload: PayloadSection;
  #decoded: DecodedPayload | undefined;

  /** @param decoded where the kernel did not take it */
  constructor(
    last: RawEntry,
    metadata: WireMetadata,
    extent: EntryExtent,
    payload: PayloadSection,
    messages: number,
    decoded?: DecodedPayload,
  ) {
    this.position = last.position;
    this.firstPosition = extent.firstPosition;
    this.publishTime = metadata.publishTime;
    this.count = metadata.batchCount ?? 1;
    this.dataBytes = sizeOf(payload, metadata);
    this.messages = messages;
    this.wireBytes = extent.wireBytes;
    this.brokerIndex = last.brokerIndex;
    this.schemaVersion = metadata.schemaVersion;
    this.#metadata = metadata;
    this.#payload = payload;
    this.#decoded = decoded;
  }

  get data(): Uint8Array {
    return this.#decode().data;
  }

  get bounds(): Int32Array {
    return this.#decode().bounds;
  }

  putInto(shared: Kernel): boolean {
    if (this.#decoded) return shared.load(this, this.#decoded.data, this.#decoded.bounds) !== undefined;
    if (decodeInto(shared, this.#payload, this.#metadata, this.count) === undefined) return false;
    shared.residentOf = this;
    return true;
  }

  #decode(): DecodedPayload {
    this.#decoded ??= this.#copyOut();
    return this.#decoded;
  }

  #copyOut(): DecodedPayload {
    const shared = kernel();
    const placed = shared.reside(this);
    if (placed === undefined) throw new Error('an entry that the kernel took once must fit it again');
    const { data, dataBytes, bounds, count } = placed;
    return {
      data: this.#view() ?? shared.bytes.slice(data, data + dataBytes),
      bounds: shared.words.slice(bounds / 4, bounds / 4 + 2 * count),
    };
  }

  /** What was never compressed needs no copy. */
  #view(): Uint8Array | undefined {
    const { bytes, start, end } = this.#payload;
    return this.#metadata.compression === 0 ? bytes.subarray(start, end) : undefined;
  }

  metadata(index: number): MessageMetadata {
    if (!(index >= 0 && index < this.count)) {
      throw new RangeError(`message ${index} of an entry of ${this.count}`);
    }
    const { batchCount, key, properties, eventTime, sequenceId, producerName } = this.#metadata;
    const producer = producerName === '' ? undefined : producerName;
    if (batchCount !== undefined) return { ...decodeSingleMetadata(this.data, this.bounds, index), producer };
    return { key, properties: properties ?? {}, eventTime, sequenceId, producer };
  }
}
