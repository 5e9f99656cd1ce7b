import {
  FORM_ENCODED,
  FORM_FIXED_TEXT,
  FORM_TEXT,
  FORM_VALUE,
  IN_SLOT_AT,
  PLACE_AT,
  SLOT_ADDRESS_AT,
  SLOT_BYTES,
  SLOT_FORM_AT,
  SLOT_IS_NULLABLE_AT,
  SLOT_KIND_BYTES,
  SLOT_KINDS,
  SLOT_LENGTH_AT,
  SLOT_VALUE_AT,
  SLOTS,
} from '../../rows-layout';

/** Where the field's value goes, in the fixed part that begins at `fixed` or in its slot. */
// @ts-ignore: decorator
@inline
export function placeOf(record: usize, fixed: usize): usize {
  const place = <usize>load<u32>(record, PLACE_AT);
  if (load<u8>(record, IN_SLOT_AT) == 0) return fixed + place;
  const slot = SLOTS + place * SLOT_BYTES;
  store<u32>(slot, 1);
  return slot + SLOT_VALUE_AT;
}

/** Puts bytes that lie elsewhere into the field's slot. */
// @ts-ignore: decorator
@inline
export function keepBytes(record: usize, from: usize, length: usize): void {
  const slot = SLOTS + <usize>load<u32>(record, PLACE_AT) * SLOT_BYTES;
  store<u32>(slot, 1);
  store<u32>(slot, <u32>length, SLOT_LENGTH_AT);
  store<u32>(slot, <u32>from, SLOT_ADDRESS_AT);
}

/** Writes what the slots hold; where one holds nothing NULL, or the type's default. Answers the end. */
export function writeSlots(slots: usize, out: usize): usize {
  for (let number: usize = 0; number < slots; number++) {
    const slot = SLOTS + number * SLOT_BYTES;
    const kind = SLOT_KINDS + number * SLOT_KIND_BYTES;
    const isThere = load<u32>(slot) != 0;
    if (load<u8>(kind, SLOT_IS_NULLABLE_AT)) {
      store<u8>(out++, isThere ? 0 : 1);
      if (!isThere) continue;
    }
    const form = <u32>load<u8>(kind, SLOT_FORM_AT);
    if (form == FORM_VALUE) {
      v128.store(out, v128.load(slot, SLOT_VALUE_AT));
      out += load<u32>(kind);
      continue;
    }
    const length = load<u32>(slot, SLOT_LENGTH_AT);
    const from = <usize>load<u32>(slot, SLOT_ADDRESS_AT);
    if (form == FORM_TEXT) out = writeLength(length, out);
    else if (form == FORM_ENCODED && !isThere) {
      store<u8>(out++, 0);
      continue;
    }
    if (length > 128) memory.copy(out, from, length);
    else for (let copied: usize = 0; copied < length; copied += 16) v128.store(out + copied, v128.load(from + copied));
    out += length;
    if (form == FORM_FIXED_TEXT) {
      const rest = load<u32>(kind) - length;
      memory.fill(out, 0, rest);
      out += rest;
    }
  }
  return out;
}

/** Seven bits a byte, the lowest first. Answers the end. */
// @ts-ignore: decorator
@inline
export function writeLength(length: u32, out: usize): usize {
  while (length >= 0x80) {
    store<u8>(out++, length | 0x80);
    length >>>= 7;
  }
  store<u8>(out, length);
  return out + 1;
}
