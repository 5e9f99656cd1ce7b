import { BRACKETS } from '../layout';
import {
  afterSpace,
  CLOSES_BY,
  COLON,
  COMMA,
  LAST_SPACE,
  numberEnd,
  OPENING_BRACE,
  OPENING_BRACKET,
  QUOTE,
  stringEnd,
} from './json-tokens';

/** Deeper nesting is refused; the server refuses it too (`input_format_json_max_depth`). */
const MAX_DEPTH: usize = 1000;

export const REFUSED: i32 = -1;

/** `SEEN` of lib/clickhouse/encode/frame-check.ts: what a string is whose first byte, or closing quote, is this one. */
const SEEN_NULL: u32 = 8;
const SEEN_AT_START = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  // "                     +     -  .     0 to 9
  0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2, 2, 0, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 0, 0, 0, 0, 0, 0,
  // E
  0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  // e
  0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);

/** Behind the opening brace of the payload that `checkObject` accepted last. */
export let firstMember: usize = 0;

/**
 * Checks that `[start, end)` is exactly one JSON object (RFC 8259), white space around it allowed. Answers `SEEN` of it,
 * or `REFUSED`: exactly where `FrameCheck.fault` has a reason.
 */
export function checkObject(start: usize, end: usize): i32 {
  let at = afterSpace(start, end);
  if (at >= end || load<u8>(at) != OPENING_BRACE) return REFUSED;
  firstMember = ++at;

  let open: usize = BRACKETS;
  const deepest = open + MAX_DEPTH;
  let bracket: u32 = OPENING_BRACE;
  store<u8>(++open, bracket);
  let seen: u32 = 0;
  let byte = <u32>load<u8>(at);
  // Only right behind an opening bracket may its closing one follow, where a member is expected.
  let mayClose = true;
  for (;;) {
    if (byte <= LAST_SPACE) {
      at = afterSpace(at, end);
      byte = load<u8>(at);
    }
    if (at >= end) return REFUSED;
    if (!(mayClose && byte == bracket + CLOSES_BY)) {
      if (bracket == OPENING_BRACE) {
        if (byte != QUOTE) return REFUSED;
        at++;
        seen |= load<u8>(SEEN_AT_START + <usize>load<u8>(at));
        at = stringEnd(at, end);
        if (at == 0) return REFUSED;
        byte = load<u8>(at);
        if (byte <= LAST_SPACE) {
          at = afterSpace(at, end);
          byte = load<u8>(at);
        }
        if (byte != COLON) return REFUSED;
        byte = load<u8>(++at);
        if (byte <= LAST_SPACE) {
          at = afterSpace(at, end);
          byte = load<u8>(at);
        }
        if (at >= end) return REFUSED;
      }
      if (byte == QUOTE) {
        at++;
        seen |= load<u8>(SEEN_AT_START + <usize>load<u8>(at));
        at = stringEnd(at, end);
      } else if (byte - 0x30 < 10 || byte == 0x2d) at = numberEnd(at, end);
      else if (byte == OPENING_BRACE || byte == OPENING_BRACKET) {
        if (open == deepest) return REFUSED;
        bracket = byte;
        store<u8>(++open, bracket);
        mayClose = true;
        byte = load<u8>(++at);
        continue;
      } else if (load<u32>(at) == 0x65757274) at += 4;
      else if (load<u32>(at) == 0x6c6c756e) {
        seen |= SEEN_NULL;
        at += 4;
      } else if (byte == 0x66 && load<u32>(at, 1) == 0x65736c61) at += 5;
      else return REFUSED;
      if (at == 0) return REFUSED;
      byte = load<u8>(at);
      if (byte <= LAST_SPACE) {
        at = afterSpace(at, end);
        byte = load<u8>(at);
      }
    }
    mayClose = false;
    while (byte != COMMA) {
      if (byte != bracket + CLOSES_BY) return REFUSED;
      at++;
      if (--open == BRACKETS) return afterSpace(at, end) == end ? seen : REFUSED;
      bracket = load<u8>(open);
      byte = load<u8>(at);
      if (byte <= LAST_SPACE) {
        at = afterSpace(at, end);
        byte = load<u8>(at);
      }
    }
    byte = load<u8>(++at);
  }
  return REFUSED;
}
