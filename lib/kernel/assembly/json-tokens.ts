// Steps over the tokens of JSON text (RFC 8259). Reading past `end` is harmless; whoever calls sees that a token ended
// beyond it, and refuses the payload.

export const QUOTE: u32 = 0x22;
export const BACKSLASH: u32 = 0x5c;
export const COMMA: u32 = 0x2c;
export const COLON: u32 = 0x3a;
export const OPENING_BRACE: u32 = 0x7b;
export const OPENING_BRACKET: u32 = 0x5b;
/** `{` and `}`, `[` and `]`: each closing byte is its opening one plus two. */
export const CLOSES_BY: u32 = 2;

/** White space, and other bytes that stand in no token. */
export const LAST_SPACE: u32 = 0x20;

// @ts-ignore: decorator
@inline
function isSpace(byte: u32): bool {
  return byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09;
}

export function afterSpace(at: usize, end: usize): usize {
  while (at < end && isSpace(load<u8>(at))) at++;
  return at;
}

/** One bit for each of the 16 bytes at `at` that plain text in a string is not: quotes, backslashes, control bytes. */
// @ts-ignore: decorator
@inline
export function specials(at: usize): u32 {
  const bytes = v128.load(at);
  return i8x16.bitmask(
    v128.or(
      v128.or(i8x16.eq(bytes, i8x16.splat(0x22)), i8x16.eq(bytes, i8x16.splat(0x5c))),
      i8x16.lt_u(bytes, i8x16.splat(0x20)),
    ),
  );
}

// @ts-ignore: decorator
@inline
function isHex(byte: u32): bool {
  return byte - 0x30 < 10 || (byte | 0x20) - 0x61 < 6;
}

/** Address behind the escape whose backslash is at `at`, or 0 where it is none. */
export function escapeEnd(at: usize): usize {
  const letter = <u32>load<u8>(at, 1);
  if (letter == 0x75) {
    const isEscape =
      isHex(load<u8>(at, 2)) && isHex(load<u8>(at, 3)) && isHex(load<u8>(at, 4)) && isHex(load<u8>(at, 5));
    return isEscape ? at + 6 : 0;
  }
  const isEscape =
    letter == QUOTE ||
    letter == BACKSLASH ||
    letter == 0x2f ||
    letter == 0x62 ||
    letter == 0x66 ||
    letter == 0x6e ||
    letter == 0x72 ||
    letter == 0x74;
  return isEscape ? at + 2 : 0;
}

/** Address behind the closing quote of the string whose first byte is at `at`, or 0 where it is none. */
// @ts-ignore: decorator
@inline
export function stringEnd(at: usize, end: usize): usize {
  while (at < end) {
    const found = specials(at);
    if (found == 0) {
      at += 16;
      continue;
    }
    at += <usize>ctz(found);
    const byte = <u32>load<u8>(at);
    if (byte == QUOTE) return at + 1;
    if (byte != BACKSLASH) return 0;
    at = escapeEnd(at);
    if (at == 0) return 0;
  }
  return 0;
}

/** How many of the eight bytes, from the lowest on, are digits. `word`: the bytes, each xor 0x30. */
// @ts-ignore: decorator
@inline
function digitsIn(word: u64): usize {
  return <usize>(ctz(((word + 0x7676767676767676) | word) & 0x8080808080808080) >>> 3);
}

// @ts-ignore: decorator
@inline
function digitsEnd(at: usize, end: usize): usize {
  let found: usize;
  do {
    found = digitsIn(load<u64>(at) ^ 0x3030303030303030);
    at += found;
  } while (found == 8 && at < end);
  return at;
}

/** Address behind the number at `at`, or 0 where it is none. */
// @ts-ignore: decorator
@inline
export function numberEnd(at: usize, end: usize): usize {
  if (load<u8>(at) == 0x2d) at++;
  const whole = at;
  at = digitsEnd(at, end);
  if (at == whole || (load<u8>(whole) == 0x30 && at > whole + 1)) return 0;
  let next = <u32>load<u8>(at);
  if (next == 0x2e) {
    const fraction = ++at;
    at = digitsEnd(at, end);
    if (at == fraction) return 0;
    next = load<u8>(at);
  }
  if ((next | 0x20) == 0x65) {
    at++;
    const sign = <u32>load<u8>(at);
    if (sign == 0x2b || sign == 0x2d) at++;
    const exponent = at;
    at = digitsEnd(at, end);
    if (at == exponent) return 0;
  }
  return at;
}
