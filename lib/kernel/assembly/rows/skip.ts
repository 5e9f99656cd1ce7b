import { CLOSES_BY, OPENING_BRACE, OPENING_BRACKET, QUOTE } from '../json-tokens';
import { skipText } from './texts';

/** Deeper values of fields that are not mapped are left to the server. */
const MOST_DEPTH: i32 = 50;
const MOST_DIGITS: usize = 18;

/**
 * Steps over a value that is not mapped, of JSON that `checkObject` has accepted. Answers its end, or 0 where it is not certain
 * that the server steps over it too: it refuses half a surrogate pair, and reads numbers for that.
 */
export function skipValue(at: usize): usize {
  let depth: i32 = 0;
  for (;;) {
    const byte = <u32>load<u8>(at);
    if (byte == QUOTE) {
      at = skipText(at + 1);
      if (at == 0) return 0;
    } else if (byte == OPENING_BRACE || byte == OPENING_BRACKET) {
      if (++depth > MOST_DEPTH) return 0;
      at++;
    } else if (byte == OPENING_BRACE + CLOSES_BY || byte == OPENING_BRACKET + CLOSES_BY) {
      depth--;
      at++;
    } else if (byte - 0x30 < 10 || byte == 0x2d) {
      const digits = at;
      at = plainEnd(at);
      if (at == 0 || at - digits > MOST_DIGITS) return 0;
    } else if (byte == 0x74 || byte == 0x6e) at += 4;
    else if (byte == 0x66) at += 5;
    else {
      // White space, a comma or a colon between the parts of a value.
      at++;
      continue;
    }
    if (depth == 0) return at;
  }
  return 0;
}

/** Behind a number without an exponent, or 0. */
function plainEnd(at: usize): usize {
  let byte: u32;
  do byte = load<u8>(++at);
  while (byte - 0x30 < 10 || byte == 0x2e);
  return (byte | 0x20) == 0x65 ? 0 : at;
}
