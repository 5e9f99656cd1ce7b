import {
  EMPTY,
  FIELD_HASHES,
  FIELDS,
  HASHES,
  KEY_AT,
  KEY_BYTES_AT,
  MASK_AT,
  OBJECT_AT,
  PATTERN_AT,
  PATTERN_BYTES_AT,
  RECORD,
  UNKNOWN,
} from '../../rows-layout';

/** Where a key of these bytes in this object is looked for first. Reads up to 15 bytes past it. */
export function hashKey(key: usize, bytes: u32, object: u32): u32 {
  let hash: u64 = 0x9e3779b97f4a7c15 + <u64>bytes + ((<u64>object) << 32);
  for (let at: u32 = 0; at < bytes; at += 8) {
    const left = bytes - at;
    const word = left >= 8 ? load<u64>(key + at) : load<u64>(key + at) & ((<u64>1 << (<u64>left << 3)) - 1);
    hash = (hash ^ word) * 0xff51afd7ed558ccd;
    hash ^= hash >> 29;
  }
  return <u32>(hash >> 40) & (HASHES - 1);
}

/** The number of the object's field of this name, or `UNKNOWN`. */
export function fieldOf(key: usize, bytes: u32, object: u32): u32 {
  for (let slot = hashKey(key, bytes, object); ; slot = (slot + 1) & (HASHES - 1)) {
    const field = <u32>load<u16>(FIELD_HASHES + (<usize>slot << 1));
    if (field == EMPTY) return UNKNOWN;
    const record = FIELDS + <usize>(field * RECORD);
    if (
      load<u32>(record, KEY_BYTES_AT) == bytes &&
      load<u32>(record, OBJECT_AT) == object &&
      memory.compare(load<u32>(record, KEY_AT), key, bytes) == 0
    )
      return field;
  }
  return UNKNOWN;
}

/** Whether the record's key in quotes and its colon stand at `at`. */
// @ts-ignore: decorator
@inline
export function isExpected(at: usize, record: usize): bool {
  const differs = v128.and(
    v128.xor(v128.load(at), v128.load(record, PATTERN_AT)),
    v128.load(record, MASK_AT),
  );
  if (v128.any_true(differs)) return false;
  if (load<u32>(record, PATTERN_BYTES_AT) <= 16) return true;
  return !v128.any_true(
    v128.and(
      v128.xor(v128.load(at, 16), v128.load(record, PATTERN_AT + 16)),
      v128.load(record, MASK_AT + 16),
    ),
  );
}
