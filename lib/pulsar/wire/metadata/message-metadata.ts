import type { ByteCursor } from '../protobuf/byte-cursor.ts';

/** `MessageMetadata` of one stored entry, as far as a reader needs it. Times are milliseconds since the epoch. */
export interface WireMetadata {
  producerName: string;
  sequenceId: number;
  publishTime: number;
  eventTime: number;
  key: string | undefined;
  properties: Record<string, string> | undefined;
  /** Number of the compression on the wire. */
  compression: number;
  uncompressedSize: number;
  /** Undefined for a single message: a batch of one says 1 and has another payload layout. */
  batchCount: number | undefined;
  encrypted: boolean;
  schemaVersion: Uint8Array | undefined;
  /** Set by the broker on entries of its own; they are no messages. */
  markerType: number | undefined;
  nullValue: boolean;
  uuid: string | undefined;
  chunks: number;
  totalChunkSize: number;
  chunkId: number;
  /** Indexes of a batch that compaction kept; undefined when it kept all. */
  retained: Set<number> | undefined;
}

/**
 * `MessageMetadata { producer_name = 1; sequence_id = 2; publish_time = 3; properties = 4; partition_key = 6;
 * compression = 8; uncompressed_size = 9; num_messages_in_batch = 11; event_time = 12; encryption_keys = 13;
 * encryption_algo = 14; encryption_param = 15; schema_version = 16; marker_type = 20; null_value = 25; uuid = 26;
 * num_chunks_from_msg = 27; total_chunk_msg_size = 28; chunk_id = 29; compacted_batch_indexes = 31 }`
 */
export function decodeMetadata(cursor: ByteCursor): WireMetadata {
  const metadata: WireMetadata = {
    producerName: '',
    sequenceId: 0,
    publishTime: 0,
    eventTime: 0,
    key: undefined,
    properties: undefined,
    compression: 0,
    uncompressedSize: 0,
    batchCount: undefined,
    encrypted: false,
    schemaVersion: undefined,
    markerType: undefined,
    nullValue: false,
    uuid: undefined,
    chunks: 0,
    totalChunkSize: 0,
    chunkId: 0,
    retained: undefined,
  };
  const { end } = cursor;
  while (cursor.at < end) readField(cursor, metadata);
  cursor.expectEnd(end);
  return metadata;
}

function readField(cursor: ByteCursor, metadata: WireMetadata): void {
  const tag = cursor.uint32();
  switch (tag) {
    case 0x0a:
      metadata.producerName = cursor.string();
      break;
    case 0x10:
      metadata.sequenceId = cursor.int64();
      break;
    case 0x18:
      metadata.publishTime = cursor.int64();
      break;
    case 0x22:
      metadata.properties ??= {};
      readProperty(cursor, metadata.properties);
      break;
    case 0x32:
      metadata.key = cursor.string();
      break;
    case 0x40:
      metadata.compression = cursor.int32();
      break;
    case 0x48:
      metadata.uncompressedSize = cursor.uint32();
      break;
    case 0x58:
      metadata.batchCount = cursor.int32();
      break;
    case 0x60:
      metadata.eventTime = cursor.int64();
      break;
    case 0x6a:
    case 0x72:
    case 0x7a:
      metadata.encrypted = true;
      cursor.skip(tag & 7);
      break;
    case 0x82:
      metadata.schemaVersion = cursor.copyBytes();
      break;
    case 0xa0:
      metadata.markerType = cursor.int32();
      break;
    case 0xc8:
      metadata.nullValue = cursor.bool();
      break;
    case 0xd2:
      metadata.uuid = cursor.string();
      break;
    case 0xd8:
      metadata.chunks = cursor.int32();
      break;
    case 0xe0:
      metadata.totalChunkSize = cursor.int32();
      break;
    case 0xe8:
      metadata.chunkId = cursor.int32();
      break;
    case 0xf8:
      metadata.retained ??= new Set();
      metadata.retained.add(cursor.int32());
      break;
    case 0xfa:
      metadata.retained ??= new Set();
      readPacked(cursor, metadata.retained);
      break;
    default:
      cursor.skip(tag & 7);
  }
}

/** Writers may send repeated integers packed or one by one; readers must take both. */
function readPacked(cursor: ByteCursor, into: Set<number>): void {
  const end = cursor.lengthDelimited();
  while (cursor.at < end) into.add(cursor.int32());
  cursor.expectEnd(end);
}

/** `KeyValue { key = 1; value = 2 }`; defined as own data even for a name such as `__proto__`. */
export function readProperty(cursor: ByteCursor, into: Record<string, string>): void {
  const end = cursor.lengthDelimited();
  let key = '';
  let value = '';
  while (cursor.at < end) {
    const tag = cursor.uint32();
    if (tag === 0x0a) key = cursor.string();
    else if (tag === 0x12) value = cursor.string();
    else cursor.skip(tag & 7);
  }
  cursor.expectEnd(end);
  Object.defineProperty(into, key, { value, enumerable: true, configurable: true, writable: true });
}
