import { ANSWERS, ROW_PREFIX } from '../layout';
import { afterSpace, COMMA, OPENING_BRACE, CLOSES_BY } from './json-tokens';
import { checkObject, firstMember, REFUSED } from './object-check';

const ZERO: u32 = 0x30;
const NEWLINE: u32 = 0x0a;
const CLOSING_BRACE: u32 = OPENING_BRACE + CLOSES_BY;

/** Digits of the largest index, the comma, the newline. */
const MOST_BETWEEN: usize = 12;

/**
 * Makes rows of the messages from `index` on, one after the other at `out`: the first `prefixBytes` of `ROW_PREFIX`, the
 * index, a comma unless the object is empty, the payload behind its opening brace, a newline. A row's start, as an offset from
 * `out`, and its index are appended to `starts` and `indexes`, words.
 *
 * Answers the first message that the host has to decide: without a payload, refused, one of which `concerns` is seen,
 * or one that does not fit below `limit`. `count` where there is none. At `ANSWERS` stand the number of rows, the end of
 * the last one, and what was seen of the message to decide, or `REFUSED`. Messages whose byte in `skipped` is not 0 are
 * passed over.
 */
export function splice(
  data: usize,
  bounds: usize,
  index: u32,
  count: u32,
  skipped: usize,
  concerns: i32,
  prefixBytes: usize,
  starts: usize,
  indexes: usize,
  out: usize,
  limit: usize,
): u32 {
  const first = out;
  let rows: u32 = 0;
  let seen: i32 = REFUSED;
  for (; index < count; index++) {
    if (load<u8>(skipped + index)) continue;
    const start = load<i32>(bounds + (<usize>index << 3));
    const end = load<i32>(bounds + (<usize>index << 3), 4);
    seen = REFUSED;
    if (start < 0 || out + prefixBytes + MOST_BETWEEN + <usize>(end - start) > limit) break;
    const payloadEnd = data + end;
    seen = checkObject(data + start, payloadEnd);
    if (seen == REFUSED || (seen & concerns) != 0 || concerns == -1) break;

    const slot = <usize>rows << 2;
    store<u32>(starts + slot, <u32>(out - first));
    store<u32>(indexes + slot, index);
    copy(out, ROW_PREFIX, prefixBytes);
    out = digits(out + prefixBytes, index);
    const members = firstMember;
    if (load<u8>(afterSpace(members, payloadEnd)) != CLOSING_BRACE) store<u8>(out++, COMMA);
    const bytes = payloadEnd - members;
    copy(out, members, bytes);
    out += bytes;
    store<u8>(out++, NEWLINE);
    rows++;
  }
  store<u32>(ANSWERS, rows);
  store<u32>(ANSWERS, <u32>(out - first), 4);
  store<i32>(ANSWERS, seen, 8);
  return index;
}

/** By 16 bytes: reads and writes up to 15 past the end. */
// @ts-ignore: decorator
@inline
function copy(to: usize, from: usize, bytes: usize): void {
  for (let copied: usize = 0; copied < bytes; copied += 16) v128.store(to + copied, v128.load(from + copied));
}

/** Writes a decimal number; answers where it ends. */
function digits(to: usize, value: u32): usize {
  let end = to + 1;
  for (let rest = value; rest > 9; rest /= 10) end++;
  let at = end;
  do {
    store<u8>(--at, ZERO + (value % 10));
    value /= 10;
  } while (at > to);
  return end;
}
