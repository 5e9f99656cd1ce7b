import {
  ELEMENT_AT,
  FIELDS,
  IS_NULLABLE_AT,
  KIND_ARRAY,
  KIND_AT,
  KIND_ENUM,
  KIND_FIXED_TEXT,
  KIND_MAP,
  KIND_TEXT,
  RECORD,
  WIDTH_AT,
} from '../../rows-layout';
import { CLOSES_BY, COMMA, LAST_SPACE, OPENING_BRACE, OPENING_BRACKET, QUOTE } from '../json-tokens';
import { writeLength } from './slots';
import { readText, text, textBytes } from './texts';
import { readValue } from './values';

/** Where the next bytes of Arrays and Maps are written. */
export let elements: usize = 0;

export function setElements(at: usize): void {
  elements = at;
}

/** Longer ones have more bytes of length before them. */
const SHORT: u32 = 0x80;

/** Reads the Array or Map at `at` into `elements`, as RowBinary has it. Answers its end, or 0 where it is unusual. */
export function readContainer(at: usize, record: usize, kind: u32): usize {
  const opening = kind == KIND_MAP ? OPENING_BRACE : OPENING_BRACKET;
  if (load<u8>(at) != opening) return 0;
  const inner = FIELDS + <usize>(load<u32>(record, ELEMENT_AT) * RECORD);
  const from = elements++;
  let count: u32 = 0;
  at = afterSpace(at + 1);
  if (load<u8>(at) == opening + CLOSES_BY) at++;
  else {
    for (;;) {
      if (kind == KIND_MAP) {
        at = readText(at + 1);
        if (at == 0) return 0;
        writeText();
        // Behind the colon.
        at = afterSpace(afterSpace(at) + 1);
      }
      at = readElement(at, inner);
      if (at == 0) return 0;
      count++;
      at = afterSpace(at);
      if (load<u8>(at++) != COMMA) break;
      at = afterSpace(at);
    }
  }
  if (count >= SHORT) makeRoom(from, count);
  writeLength(count, from);
  return at;
}

/** More than the one byte for a length that was left at `from`. */
function makeRoom(from: usize, length: u32): void {
  const bytes = <usize>((31 - clz(length)) / 7);
  memory.copy(from + 1 + bytes, from + 1, elements - from - 1);
  elements += bytes;
}

function readElement(at: usize, record: usize): usize {
  const kind = <u32>load<u8>(record, KIND_AT);
  const isNull = load<u8>(at) == 0x6e;
  if (load<u8>(record, IS_NULLABLE_AT)) {
    store<u8>(elements++, isNull ? 1 : 0);
    if (isNull) return at + 4;
  }
  if (isNull) return writeDefault(record, kind) ? at + 4 : 0;
  if (kind == KIND_ARRAY || kind == KIND_MAP) return readContainer(at, record, kind);
  const width = load<u32>(record, WIDTH_AT);
  if (kind != KIND_TEXT && kind != KIND_FIXED_TEXT) {
    at = readValue(at, record, kind, elements);
    elements += width;
    return at;
  }
  if (load<u8>(at) != QUOTE) return 0;
  at = readText(at + 1);
  if (at == 0) return 0;
  if (kind == KIND_TEXT) writeText();
  else {
    if (textBytes > width) return 0;
    memory.copy(elements, text, textBytes);
    memory.fill(elements + textBytes, 0, width - textBytes);
    elements += width;
  }
  return at;
}

/** What null is where nothing is NULL: zeros. Answers false where that is not sure. */
function writeDefault(record: usize, kind: u32): bool {
  if (kind == KIND_ENUM) return false;
  const width = kind == KIND_TEXT || kind == KIND_ARRAY || kind == KIND_MAP ? 1 : <usize>load<u32>(record, WIDTH_AT);
  memory.fill(elements, 0, width);
  elements += width;
  return true;
}

/** Writes the text read last. */
function writeText(): void {
  elements = writeLength(<u32>textBytes, elements);
  memory.copy(elements, text, textBytes);
  elements += textBytes;
}

// @ts-ignore: decorator
@inline
function afterSpace(at: usize): usize {
  while (<u32>load<u8>(at) <= LAST_SPACE) at++;
  return at;
}
