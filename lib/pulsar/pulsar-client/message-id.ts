import type { MessageId } from 'pulsar-client';
import type { Position } from '../../pipeline/position.ts';
import { ByteCursor, malformed } from '../wire/protobuf/byte-cursor.ts';
import { MessageWriter } from '../wire/protobuf/fields.ts';

/** `MessageIdData`, as far as the client tells it. */
export interface ParsedId {
  readonly position: Position;
  /** Of a chunked message: where its first chunk lies. Otherwise the same as `position`. */
  readonly firstPosition: Position;
  /** Index within the producer's batch, and how many it has; 0 and 1 for a single message. */
  readonly index: number;
  readonly count: number;
}

/**
 * `MessageIdData { ledgerId = 1; entryId = 2 }`: without a batch index it stands for the whole entry, which is what an
 * acknowledgement has to cover. Bytes that are not a MessageIdData abort the process inside the client, so nothing but
 * this ever makes them.
 */
export function encodePosition({ ledger, entry }: Position): Buffer {
  return Buffer.from(new MessageWriter().uint(1, ledger).uint(2, entry).finish());
}

/** The client keeps ids to itself; their bytes are the only way to a number. */
export function parseId(id: MessageId): ParsedId {
  return decodeId(id.serialize());
}

/** `MessageIdData { ledgerId = 1; entryId = 2; batch_index = 4; batch_size = 6; first_chunk_message_id = 7 }` */
export function decodeId(bytes: Uint8Array): ParsedId {
  const cursor = new ByteCursor(bytes, 0, bytes.length);
  return readId(cursor, bytes.length);
}

function readId(cursor: ByteCursor, end: number): ParsedId {
  let ledger = -1;
  let entry = -1;
  let index = -1;
  let count = 0;
  let firstPosition: Position | undefined;
  while (cursor.at < end) {
    const tag = cursor.uint32();
    if (tag === 0x08) ledger = cursor.int64();
    else if (tag === 0x10) entry = cursor.int64();
    else if (tag === 0x20) index = cursor.int32();
    else if (tag === 0x30) count = cursor.int32();
    else if (tag === 0x3a) firstPosition = readId(cursor, cursor.lengthDelimited()).position;
    else cursor.skip(tag & 7);
  }
  cursor.expectEnd(end);
  const isBatched = index >= 0;
  if (isBatched && index >= count) throw malformed(`message ${index} of a batch of ${count}`);
  const position = { ledger, entry };
  return {
    position,
    firstPosition: firstPosition ?? position,
    index: isBatched ? index : 0,
    count: isBatched ? count : 1,
  };
}
