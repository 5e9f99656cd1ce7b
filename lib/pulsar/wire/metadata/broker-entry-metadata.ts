import { ByteCursor } from '../protobuf/byte-cursor.ts';

/** `BrokerEntryMetadata { broker_timestamp = 1; index = 2 }`: the index of the entry's last message in its partition. */
export function decodeBrokerIndex(frame: Uint8Array, start: number, end: number): number | undefined {
  const cursor = new ByteCursor(frame, start, end);
  let index: number | undefined;
  while (cursor.at < end) {
    const tag = cursor.uint32();
    if (tag === 0x10) index = cursor.int64();
    else cursor.skip(tag & 7);
  }
  cursor.expectEnd(end);
  return index;
}
