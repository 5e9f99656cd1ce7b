import { PulsehouseError } from '../../pipeline/errors.ts';
import type { Position } from '../../pipeline/position.ts';
import { type Entry, type MessageMetadata, NULL_VALUE } from '../../ports/transport.ts';
import { decompress } from './compression/codec.ts';
import { messageSections } from './frame/message-frame.ts';
import { decodeBrokerIndex } from './metadata/broker-entry-metadata.ts';
import { decodeMetadata, type WireMetadata } from './metadata/message-metadata.ts';
import { decodeSingleMetadata, findBounds } from './metadata/single-metadata.ts';
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

export interface PayloadSection {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
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
  const size = metadata.compression === 0 ? payload.end - payload.start : metadata.uncompressedSize;
  if (size > extent.maxBytes) {
    throw new PulsehouseError(
      'PH_PULSAR_ENTRY_TOO_LARGE',
      `an entry of ${size} bytes exceeds the limit of ${extent.maxBytes}`,
    );
  }
  const data = decompress(metadata.compression, payload.bytes, payload.start, payload.end, size);
  const batched = metadata.batchCount !== undefined;
  const count = metadata.batchCount ?? 1;
  // The smallest message of a batch is its size field and two bytes of metadata.
  if (count < 0 || (batched && count * 6 > data.length)) {
    throw malformed(`a batch of ${count} messages in ${data.length} bytes`);
  }
  const bounds = new Int32Array(2 * count);
  let compactedAway = 0;
  if (batched) compactedAway = findBounds(data, count, metadata.retained, bounds);
  else if (metadata.nullValue) bounds.fill(NULL_VALUE);
  else bounds[1] = data.length;
  return new WireEntry(last, metadata, extent, data, bounds, count - compactedAway);
}

class WireEntry implements Entry {
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
  readonly #metadata: WireMetadata;

  constructor(
    last: RawEntry,
    metadata: WireMetadata,
    extent: EntryExtent,
    data: Uint8Array,
    bounds: Int32Array,
    messages: number,
  ) {
    this.position = last.position;
    this.firstPosition = extent.firstPosition;
    this.publishTime = metadata.publishTime;
    this.count = bounds.length / 2;
    this.data = data;
    this.bounds = bounds;
    this.messages = messages;
    this.wireBytes = extent.wireBytes;
    this.brokerIndex = last.brokerIndex;
    this.schemaVersion = metadata.schemaVersion;
    this.#metadata = metadata;
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
