import { BACKSLASH, QUOTE, specials } from '../json-tokens';

// Strings of JSON that `checkObject` has accepted, so that each has its closing quote and no escape is wrong.

/** Where the text read last begins, and its bytes. */
export let text: usize = 0;
export let textBytes: usize = 0;
/** Where the next text with escapes is written. */
export let scratch: usize = 0;

export function setScratch(at: usize): void {
  scratch = at;
}

/** Reads the string whose first byte is at `at`. Answers the address behind its closing quote, or 0 for one with a surrogate. */
// @ts-ignore: decorator
@inline
export function readText(at: usize): usize {
  text = at;
  for (;;) {
    const found = specials(at);
    if (found == 0) {
      at += 16;
      continue;
    }
    at += <usize>ctz(found);
    if (load<u8>(at) != QUOTE) return readEscaped(at);
    textBytes = at - text;
    return at + 1;
  }
}

/** `at` is the first backslash of the string that begins at `text`. */
function readEscaped(at: usize): usize {
  const begin = scratch;
  let to = begin + (at - text);
  memory.copy(begin, text, at - text);
  for (;;) {
    const byte = <u32>load<u8>(at);
    if (byte == QUOTE) break;
    if (byte != BACKSLASH) {
      store<u8>(to++, byte);
      at++;
      continue;
    }
    const letter = <u32>load<u8>(at, 1);
    if (letter != 0x75) {
      store<u8>(to++, unescaped(letter));
      at += 2;
      continue;
    }
    const code = (hex(at + 2) << 12) | (hex(at + 3) << 8) | (hex(at + 4) << 4) | hex(at + 5);
    if ((code & 0xf800) == 0xd800) return 0;
    to = writeUtf8(to, code);
    at += 6;
  }
  text = begin;
  textBytes = to - begin;
  scratch = to;
  return at + 1;
}

/** Behind the string whose first byte is at `at`, or 0 where it has an escaped surrogate: half a pair the server refuses. */
export function skipText(at: usize): usize {
  for (;;) {
    const found = specials(at);
    if (found == 0) {
      at += 16;
      continue;
    }
    at += <usize>ctz(found);
    if (load<u8>(at) == QUOTE) return at + 1;
    if (load<u8>(at, 1) == 0x75) {
      if ((hex(at + 2) & 0xf) == 0xd && hex(at + 3) >= 8) return 0;
      at += 6;
    } else at += 2;
  }
  return 0;
}

function unescaped(letter: u32): u32 {
  if (letter == 0x6e) return 10;
  if (letter == 0x74) return 9;
  if (letter == 0x72) return 13;
  if (letter == 0x62) return 8;
  return letter == 0x66 ? 12 : letter;
}

/** The digit at `at`, of either case. */
// @ts-ignore: decorator
@inline
function hex(at: usize): u32 {
  const byte = <u32>load<u8>(at);
  return byte < 0x40 ? byte - 0x30 : (byte | 0x20) - 0x57;
}

function writeUtf8(to: usize, code: u32): usize {
  if (code < 0x80) {
    store<u8>(to, code);
    return to + 1;
  }
  if (code < 0x800) {
    store<u8>(to, 0xc0 | (code >>> 6));
    store<u8>(to, 0x80 | (code & 63), 1);
    return to + 2;
  }
  store<u8>(to, 0xe0 | (code >>> 12));
  store<u8>(to, 0x80 | ((code >>> 6) & 63), 1);
  store<u8>(to, 0x80 | (code & 63), 2);
  return to + 3;
}
