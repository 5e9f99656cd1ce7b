import type { MessageMetadata } from '../../../ports/transport.ts';
import { COMPACTED_AWAY, NULL_VALUE } from '../../../ports/transport.ts';
import { u32 } from '../frame/message-frame.ts';
import { ByteCursor, malformed } from '../protobuf/byte-cursor.ts';
import { readProperty } from './message-metadata.ts';

/**
 * Finds every payload of a decompressed batch in one pass: `[u32 size][SingleMessageMetadata][payload]`, again and
 * again. Of each metadata only `payload_size = 3`, `compacted_out = 4` and `null_value = 9` are looked at. Fills
 * `bounds` as `Entry.bounds` describes and answers how many messages were compacted away.
 * @throws PulsehouseError PH_PULSAR_MALFORMED unless the batch is exactly as long as its messages.
 */
export function findBounds(
  data: Uint8Array,
  count: number,
  retained: ReadonlySet<number> | undefined,
  bounds: Int32Array,
): number {
  const size = data.length;
  let at = 0;
  let compactedAway = 0;
  for (let index = 0; index < count; index++) {
    if (size - at < 4) throw malformed('a batch ends before its last message');
    const metadataSize =
      (data[at] as number) * 0x100_0000 +
      (((data[at + 1] as number) << 16) | ((data[at + 2] as number) << 8) | (data[at + 3] as number));
    at += 4;
    if (metadataSize > size - at) throw malformed('message metadata runs past its batch');
    const metadataEnd = at + metadataSize;
    let payloadSize = -1;
    let compactedOut = false;
    let nullValue = false;
    while (at < metadataEnd) {
      const tag = data[at++] as number;
      // The one field every message has, in its usual short forms; whatever else is left to the cursor.
      if (tag === 0x18) {
        let byte = data[at++] as number;
        payloadSize = byte & 0x7f;
        for (let shift = 7; byte >= 0x80 && shift < 35; shift += 7) {
          byte = data[at++] as number;
          payloadSize |= (byte & 0x7f) << shift;
        }
      } else if (tag === 0x20) compactedOut = data[at++] !== 0;
      else if (tag === 0x48) nullValue = data[at++] !== 0;
      else at = skipField(data, at - 1, metadataEnd);
    }
    if (at !== metadataEnd) throw malformed('a field runs past its message metadata');
    if (payloadSize < 0 || payloadSize > size - at) throw malformed('a payload runs past its batch');
    const gone = compactedOut || (retained !== undefined && !retained.has(index));
    if (gone) compactedAway++;
    if (gone || nullValue) {
      bounds[2 * index] = -1;
      bounds[2 * index + 1] = gone ? COMPACTED_AWAY : NULL_VALUE;
    } else {
      bounds[2 * index] = at;
      bounds[2 * index + 1] = at + payloadSize;
    }
    at += payloadSize;
  }
  if (at !== size) throw malformed(`a batch goes on for ${size - at} bytes after its last message`);
  return compactedAway;
}

/** From the tag at `at` to the start of the next field. */
function skipField(data: Uint8Array, at: number, end: number): number {
  const first = data[at] as number;
  // Fields 1, 2, 5 to 10 all have one-byte tags; strings and short varints need no cursor.
  if (first < 0x80 && (first & 7) === 0) {
    let next = at + 1;
    while (next < end && (data[next] as number) >= 0x80) next++;
    return next + 1;
  }
  if (first < 0x80 && (first & 7) === 2 && at + 1 < end && (data[at + 1] as number) < 0x80) {
    return at + 2 + (data[at + 1] as number);
  }
  const cursor = new ByteCursor(data, at, end);
  cursor.skip(cursor.uint32() & 7);
  return cursor.at;
}

/**
 * `SingleMessageMetadata { properties = 1; partition_key = 2; event_time = 5; sequence_id = 8 }` of one message of a
 * batch whose `bounds` are known: it begins where the nearest payload before it ends.
 */
export function decodeSingleMetadata(data: Uint8Array, bounds: Int32Array, index: number): MessageMetadata {
  let known = index - 1;
  while (known >= 0 && (bounds[2 * known] as number) < 0) known--;
  const cursor = new ByteCursor(data, known < 0 ? 0 : (bounds[2 * known + 1] as number), data.length);
  for (let between = known + 1; between < index; between++) stepOver(cursor);
  const end = enterMetadata(cursor);
  const properties: Record<string, string> = {};
  let key: string | undefined;
  let eventTime = 0;
  let sequenceId = 0;
  while (cursor.at < end) {
    const tag = cursor.uint32();
    if (tag === 0x0a) readProperty(cursor, properties);
    else if (tag === 0x12) key = cursor.string();
    else if (tag === 0x28) eventTime = cursor.int64();
    else if (tag === 0x40) sequenceId = cursor.int64();
    else cursor.skip(tag & 7);
  }
  cursor.expectEnd(end);
  return { key, properties, eventTime, sequenceId };
}

function enterMetadata(cursor: ByteCursor): number {
  const size = u32(cursor.bytes, cursor.at);
  cursor.at += 4;
  return cursor.at + size;
}

function stepOver(cursor: ByteCursor): void {
  const end = enterMetadata(cursor);
  let payloadSize = 0;
  while (cursor.at < end) {
    const tag = cursor.uint32();
    if (tag === 0x18) payloadSize = cursor.uint32();
    else cursor.skip(tag & 7);
  }
  cursor.at = end + payloadSize;
}
