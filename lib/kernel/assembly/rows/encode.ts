import { ANSWERS } from '../../layout';
import {
  AFTER_UNKNOWN,
  FIELDS,
  FIRST_OF,
  IN_SLOT_AT,
  INNER_AT,
  KIND_AT,
  KIND_BOOL,
  KIND_DATE,
  KIND_FLOAT32,
  KIND_FLOAT64,
  KIND_FORBIDDEN,
  KIND_INT8,
  KIND_TEXT,
  KIND_TUPLE,
  NEXT,
  PATTERN_BYTES_AT,
  PLACE_AT,
  RECORD,
  SEEN_AT,
  SLOT_BYTES,
  SLOT_KINDS,
  SLOTS,
  TEMPLATE,
  UNKNOWN,
  UNSIGNED,
} from '../../rows-layout';
import { CLOSES_BY, COMMA, LAST_SPACE, OPENING_BRACE, QUOTE, specials } from '../json-tokens';
import { checkObject, firstMember, REFUSED } from '../object-check';
import { readDate } from './dates';
import { fieldOf, isExpected } from './keys';
import { nearestFloat, isNegative, isWhole, mantissa, readNumber } from './numbers';
import { skipValue } from './skip';
import { readText, setScratch, text, textBytes } from './texts';

const ROW: u32 = 0;
const UNUSUAL: u32 = 1;
const SKIPPED: u32 = 2;

const CLOSING_BRACE: u32 = OPENING_BRACE + CLOSES_BY;

/** Numbers rows, over all calls: a field whose record has this number was seen in this one. */
let row: u32 = 0;
/** Of the row being made: where its fixed part begins. */
let fixed: usize = 0;

/**
 * Makes rows of RowBinary at `out` of the messages, by the tables in `ROWS`: the fixed part, then what the slots hold. Which
 * became rows is left in `verdicts`; a byte that is not 0 there skips the message. `out` has room for all of them, `scratch`
 * for their payloads. The number of rows is at `ANSWERS`. Answers where the last one ends.
 *
 * @param indexAt offset in the fixed part of the message's index
 */
export function encodeRows(
  data: usize,
  bounds: usize,
  count: u32,
  verdicts: usize,
  fixedBytes: usize,
  indexAt: usize,
  slots: usize,
  scratch: usize,
  out: usize,
): usize {
  let rows: u32 = 0;
  for (let index: u32 = 0; index < count; index++) {
    if (load<u8>(verdicts + index)) {
      store<u8>(verdicts + index, SKIPPED);
      continue;
    }
    const start = load<i32>(bounds + (<usize>index << 3));
    const end = load<i32>(bounds + (<usize>index << 3), 4);
    for (let copied: usize = 0; copied < fixedBytes; copied += 16)
      v128.store(out + copied, v128.load(TEMPLATE + copied));
    store<u32>(out + indexAt, index);
    memory.fill(SLOTS, 0, slots * SLOT_BYTES);
    setScratch(scratch);
    fixed = out;
    row++;
    if (start < 0 || checkObject(data + start, data + end) == REFUSED || !readMembers(firstMember)) {
      store<u8>(verdicts + index, UNUSUAL);
      continue;
    }
    store<u8>(verdicts + index, ROW);
    out = writeSlots(slots, out + fixedBytes);
    rows++;
  }
  store<u32>(ANSWERS, rows);
  return out;
}

// @ts-ignore: decorator
@inline
function afterSpace(at: usize): usize {
  while (<u32>load<u8>(at) <= LAST_SPACE) at++;
  return at;
}

/** Reads the members of the message, the first of which is at `at`, into the row. Answers false where it is unusual. */
function readMembers(at: usize): bool {
  let object: u32 = 0;
  /** Of the tuples around it: the object outside, and the tuple's own field, by depth. */
  let outside: u64 = 0;
  let before: u32 = FIRST_OF;
  let depth: u32 = 0;
  for (;;) {
    const next = NEXT + (<usize>before << 1);
    let field = <u32>load<u16>(next);
    let record = FIELDS + <usize>(field * RECORD);
    let isEmpty = false;
    if (isExpected(at, record)) at += load<u32>(record, PATTERN_BYTES_AT);
    else {
      at = afterSpace(at);
      if (load<u8>(at) == CLOSING_BRACE) isEmpty = true;
      else {
        const key = ++at;
        let found: u32;
        while ((found = specials(at)) == 0) at += 16;
        at += <usize>ctz(found);
        if (load<u8>(at) != QUOTE || at == key) return false;
        field = fieldOf(key, <u32>(at - key), object);
        record = FIELDS + <usize>(field * RECORD);
        if (field != UNKNOWN) store<u16>(next, field);
        // Behind the colon.
        at = afterSpace(at + 1) + 1;
      }
    }
    if (!isEmpty) {
      const byte = <u32>load<u8>(at);
      if (byte <= LAST_SPACE) at = afterSpace(at);
      if (field == UNKNOWN) {
        before = AFTER_UNKNOWN + object;
        at = skipValue(at);
        if (at == 0) return false;
      } else {
        if (load<u32>(record, SEEN_AT) == row) return false;
        store<u32>(record, row, SEEN_AT);
        before = field;
        if (load<u8>(record, KIND_AT) == KIND_TUPLE && load<u8>(at) == OPENING_BRACE) {
          if (++depth > 4) return false;
          outside = (outside << 16) | field;
          object = load<u32>(record, INNER_AT);
          before = FIRST_OF + object;
          at++;
          continue;
        }
        at = readValue(at, record);
        if (at == 0) return false;
      }
    }
    for (;;) {
      at = afterSpace(at);
      const byte = <u32>load<u8>(at++);
      if (byte == COMMA) break;
      if (depth == 0) return true;
      depth--;
      before = <u32>(outside & 0xffff);
      object = objectOf(before);
      outside >>= 16;
    }
  }
  return false;
}

// @ts-ignore: decorator
@inline
function objectOf(field: u32): u32 {
  return load<u32>(FIELDS + <usize>(field * RECORD), 12);
}

/** Reads one value of a mapped field. Answers its end, or 0 where it is unusual. */
function readValue(at: usize, record: usize): usize {
  const kind = <u32>load<u8>(record, KIND_AT);
  const byte = <u32>load<u8>(at);
  if (kind == KIND_FORBIDDEN) return 0;
  // Left as a field that is missing: its default, or NULL.
  if (byte == 0x6e) return at + 4;
  if (kind == KIND_TEXT) {
    if (byte != QUOTE) return 0;
    at = readText(at + 1);
    if (at != 0) keepText(record);
    return at;
  }
  if (kind == KIND_BOOL) {
    if (byte != 0x74 && byte != 0x66) return 0;
    keep(record, 1, byte == 0x74 ? 1 : 0);
    return byte == 0x74 ? at + 4 : at + 5;
  }
  if (kind == KIND_DATE) {
    const day = byte == QUOTE ? readDate(at + 1) : -1;
    if (day < 0) return 0;
    keep(record, 2, day);
    return at + 12;
  }
  if (byte - 0x30 >= 10 && byte != 0x2d) return 0;
  if (kind == KIND_TUPLE) return 0;
  at = readNumber(at);
  if (at == 0) return 0;
  if (kind >= <u32>KIND_INT8) return keepInteger(record, kind) ? at : 0;
  const value = nearestFloat();
  if (value != value) return 0;
  if (kind == KIND_FLOAT64) keep(record, 8, reinterpret<u64>(value));
  else {
    // Rounded twice it may be another one: half way between two, and where Float32 has fewer digits.
    const size = abs(value);
    if ((reinterpret<u64>(value) & 0x1fffffff) == 0x10000000 || (size != 0 && (size < 1e-37 || size > 3e38)))
      return 0;
    keep(record, 4, reinterpret<u32>(<f32>value));
  }
  return at;
}

/** Keeps the number read last, where the type holds it. */
function keepInteger(record: usize, kind: u32): bool {
  if (!isWhole) return false;
  const bytes = <u32>1 << (kind & 3);
  const bits = <u64>bytes << 3;
  if (kind & UNSIGNED) {
    if (isNegative || (bytes < 8 && mantissa >> bits != 0)) return false;
    keep(record, bytes, mantissa);
    return true;
  }
  const limit = <u64>1 << (bits - 1);
  if (isNegative ? mantissa == 0 || mantissa > limit : mantissa >= limit) return false;
  keep(record, bytes, isNegative ? 0 - mantissa : mantissa);
  return true;
}

// @ts-ignore: decorator
@inline
function keep(record: usize, bytes: u32, value: u64): void {
  const place = <usize>load<u32>(record, PLACE_AT);
  if (load<u8>(record, IN_SLOT_AT)) {
    const slot = SLOTS + place * SLOT_BYTES;
    store<u32>(slot, 1);
    store<u64>(slot, value, 8);
    return;
  }
  if (bytes == 8) store<u64>(fixed + place, value);
  else if (bytes == 4) store<u32>(fixed + place, <u32>value);
  else if (bytes == 2) store<u16>(fixed + place, <u32>value);
  else store<u8>(fixed + place, <u32>value);
}

// @ts-ignore: decorator
@inline
function keepText(record: usize): void {
  const slot = SLOTS + <usize>load<u32>(record, PLACE_AT) * SLOT_BYTES;
  store<u32>(slot, 1);
  store<u32>(slot, <u32>textBytes, 4);
  store<u64>(slot, <u64>text, 8);
}

/** Writes what the slots hold; where one holds nothing NULL, or the type's default. Answers the end. */
function writeSlots(slots: usize, out: usize): usize {
  for (let number: usize = 0; number < slots; number++) {
    const slot = SLOTS + number * SLOT_BYTES;
    const bytes = <usize>load<u8>(SLOT_KINDS + (number << 1));
    if (load<u8>(SLOT_KINDS + (number << 1), 1)) {
      const isNull = load<u32>(slot) == 0;
      store<u8>(out++, isNull ? 1 : 0);
      if (isNull) continue;
    }
    if (bytes != 0) {
      store<u64>(out, load<u64>(slot, 8));
      out += bytes;
      continue;
    }
    let length = load<u32>(slot, 4);
    const from = <usize>load<u64>(slot, 8);
    let rest = length;
    while (rest >= 0x80) {
      store<u8>(out++, rest | 0x80);
      rest >>>= 7;
    }
    store<u8>(out++, rest);
    if (length > 128) memory.copy(out, from, length);
    else for (let copied: usize = 0; copied < length; copied += 16) v128.store(out + copied, v128.load(from + copied));
    out += length;
  }
  return out;
}
