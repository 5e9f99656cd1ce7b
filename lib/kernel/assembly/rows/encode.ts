import { ANSWERS } from '../../layout';
import {
  AFTER_UNKNOWN,
  FIELDS,
  FIRST_OF,
  IN_SLOT_AT,
  INNER_AT,
  IS_NULLABLE_AT,
  KIND_AT,
  KIND_ENUM,
  KIND_FIXED_TEXT,
  KIND_FORBIDDEN,
  KIND_TEXT,
  KIND_TUPLE,
  NEXT,
  OBJECT_AT,
  PATTERN_BYTES_AT,
  PLACE_AT,
  RECORD,
  SEEN_AT,
  SLOT_BYTES,
  SLOT_TEMPLATE,
  SLOTS,
  TEMPLATE,
  UNKNOWN,
  WIDTH_AT,
} from '../../rows-layout';
import { CLOSES_BY, COMMA, LAST_SPACE, OPENING_BRACE, QUOTE, specials } from '../json-tokens';
import { checkObject, firstMember, REFUSED } from '../object-check';
import { elements, readContainer, setElements } from './containers';
import { fieldOf, isExpected } from './keys';
import { skipValue } from './skip';
import { keepBytes, placeOf, writeSlots } from './slots';
import { readText, setScratch, text, textBytes } from './texts';
import { readValue } from './values';

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
 * for their texts, `elementsAt` for their Arrays and Maps. The number of rows is at `ANSWERS`. Answers where the last one ends.
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
  elementsAt: usize,
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
    memory.copy(SLOTS, SLOT_TEMPLATE, slots * SLOT_BYTES);
    setScratch(scratch);
    setElements(elementsAt);
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
        at = readField(at, record);
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
  return load<u32>(FIELDS + <usize>(field * RECORD), OBJECT_AT);
}

/** Reads one value of a mapped field. Answers its end, or 0 where it is unusual. */
function readField(at: usize, record: usize): usize {
  const kind = <u32>load<u8>(record, KIND_AT);
  if (kind == KIND_FORBIDDEN) return 0;
  const byte = <u32>load<u8>(at);
  if (byte == 0x6e) {
    // Left as a field that is missing: NULL, or its default; which an Enum reads null as depends on its elements.
    return kind == KIND_ENUM && load<u8>(record, IS_NULLABLE_AT) == 0 ? 0 : at + 4;
  }
  if (kind == KIND_TEXT) {
    if (byte != QUOTE) return 0;
    at = readText(at + 1);
    if (at != 0) keepBytes(record, text, textBytes);
    return at;
  }
  if (kind == KIND_TUPLE) return 0;
  if (kind >= <u32>KIND_FIXED_TEXT) return readBytes(at, record, kind);
  return readValue(at, record, kind, placeOf(record, fixed));
}

/** As `readField`, of a type whose bytes are not written one value at a time. */
function readBytes(at: usize, record: usize, kind: u32): usize {
  if (kind != KIND_FIXED_TEXT) {
    const from = elements;
    at = readContainer(at, record, kind);
    if (at != 0) keepBytes(record, from, elements - from);
    return at;
  }
  if (load<u8>(at) != QUOTE) return 0;
  at = readText(at + 1);
  if (at == 0 || textBytes > load<u32>(record, WIDTH_AT)) return 0;
  if (load<u8>(record, IN_SLOT_AT)) keepBytes(record, text, textBytes);
  else memory.copy(fixed + load<u32>(record, PLACE_AT), text, textBytes);
  return at;
}
