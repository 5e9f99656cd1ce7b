import { MessageWriter } from './protobuf/fields.ts';

/** One message to publish. Times are milliseconds since the epoch. */
export interface OutgoingMessage {
  /** Undefined publishes a null value, a tombstone for its key. */
  readonly payload: Uint8Array | undefined;
  readonly key?: string | undefined;
  readonly properties?: Readonly<Record<string, string>> | undefined;
  readonly eventTime?: number | undefined;
}

const EMPTY = new Uint8Array(0);

/**
 * The payload section of a batch: `[u32 size][SingleMessageMetadata][payload]` for each message, with
 * `SingleMessageMetadata { properties = 1; partition_key = 2; payload_size = 3; event_time = 5; sequence_id = 8;
 * null_value = 9 }`.
 */
export function encodeBatch(messages: readonly OutgoingMessage[], firstSequenceId: number): Uint8Array {
  const parts: Uint8Array[] = [];
  messages.forEach((message, index) => {
    const payload = message.payload ?? EMPTY;
    const metadata = new MessageWriter()
      .properties(1, message.properties)
      .string(2, message.key)
      .uint(3, payload.length)
      .uint(5, message.eventTime)
      .uint(8, firstSequenceId + index)
      .bool(9, message.payload === undefined ? true : undefined)
      .finish();
    const size = Buffer.allocUnsafe(4);
    size.writeUInt32BE(metadata.length);
    parts.push(size, metadata, payload);
  });
  return Buffer.concat(parts);
}

export interface EntryHead {
  readonly producerName: string;
  readonly sequenceId: number;
  readonly publishTime: number;
  readonly compression: number;
  /** Undefined when nothing is compressed. */
  readonly uncompressedSize: number | undefined;
  readonly schemaVersion: Uint8Array | undefined;
}

/** MessageMetadata of a batch. */
export function encodeBatchMetadata(head: EntryHead, count: number): Uint8Array {
  return headFields(head)
    .uint(11, count)
    .uint(24, head.sequenceId + count - 1)
    .finish();
}

export interface ChunkPlace {
  readonly uuid: string;
  readonly chunks: number;
  readonly totalSize: number;
  readonly chunkId: number;
}

/** MessageMetadata of a single message, or of one chunk of it. */
export function encodeSingleMetadata(
  head: EntryHead,
  message: OutgoingMessage,
  chunk: ChunkPlace | undefined,
): Uint8Array {
  return headFields(head)
    .properties(4, message.properties)
    .string(6, message.key)
    .uint(12, message.eventTime)
    .bool(25, message.payload === undefined ? true : undefined)
    .string(26, chunk?.uuid)
    .uint(27, chunk?.chunks)
    .uint(28, chunk?.totalSize)
    .uint(29, chunk?.chunkId)
    .finish();
}

/** Fields are those listed at `decodeMetadata`; `highest_sequence_id = 24`. */
function headFields(head: EntryHead): MessageWriter {
  return new MessageWriter()
    .string(1, head.producerName)
    .uint(2, head.sequenceId)
    .uint(3, head.publishTime)
    .uint(8, head.compression === 0 ? undefined : head.compression)
    .uint(9, head.uncompressedSize)
    .bytes(16, head.schemaVersion);
}
