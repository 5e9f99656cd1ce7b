/** `SingleMessageMetadata`: tags of `payload_size = 3`, `compacted_out = 4` and `null_value = 9`. */
const PAYLOAD_SIZE: u32 = 0x18;
const COMPACTED_OUT: u32 = 0x20;
const NULL_VALUE: u32 = 0x48;

/** What stands in `Entry.bounds` for a message without a payload: start -1, and one of these as its end. */
const NO_START: i32 = -1;
const IS_NULL: i32 = -1;
const IS_COMPACTED_AWAY: i32 = -2;

/**
 * Finds the payloads of the `count` messages of a batch of `size` bytes at `data`, and writes them to `bounds` as
 * `Entry.bounds` has them: offsets into `data`. Answers how many messages were compacted away, or -1 where the batch
 * is not valid or uses a form of metadata that is not known here.
 */
export function batchBounds(data: usize, size: usize, count: u32, bounds: usize): i32 {
  const end = data + size;
  let at = data;
  let compactedAway = 0;
  for (let index: u32 = 0; index < count; index++, bounds += 8) {
    if (end - at < 4) return -1;
    const metadataSize = <usize>bswap<u32>(load<u32>(at));
    at += 4;
    if (metadataSize > end - at) return -1;
    const metadataEnd = at + metadataSize;
    let payloadSize: i32 = -1;
    let isGone = false;
    let isNull = false;
    while (at < metadataEnd) {
      const tag = <u32>load<u8>(at++);
      if (tag == PAYLOAD_SIZE) {
        let byte = <u32>load<u8>(at++);
        payloadSize = byte & 0x7f;
        for (let shift: u32 = 7; byte >= 0x80 && shift < 35; shift += 7) {
          byte = load<u8>(at++);
          payloadSize |= (byte & 0x7f) << shift;
        }
      } else if (tag == COMPACTED_OUT) isGone = load<u8>(at++) != 0;
      else if (tag == NULL_VALUE) isNull = load<u8>(at++) != 0;
      else if ((tag & 0x87) == 0) {
        // Another short field: a varint,
        while (at < metadataEnd && load<u8>(at) >= 0x80) at++;
        at++;
      } else if ((tag & 0x87) == 2 && load<u8>(at) < 0x80) {
        // or fewer than 128 bytes.
        at += 1 + <usize>load<u8>(at);
      } else return -1;
    }
    if (at != metadataEnd || payloadSize < 0 || <usize>payloadSize > end - at) return -1;
    if (isGone || isNull) {
      if (isGone) compactedAway++;
      store<i32>(bounds, NO_START);
      store<i32>(bounds, isGone ? IS_COMPACTED_AWAY : IS_NULL, 4);
    } else {
      store<i32>(bounds, <i32>(at - data));
      store<i32>(bounds, <i32>(at - data) + payloadSize, 4);
    }
    at += payloadSize;
  }
  return at == end ? compactedAway : -1;
}
