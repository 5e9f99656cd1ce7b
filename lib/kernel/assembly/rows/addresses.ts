import { COLON, QUOTE } from '../json-tokens';

// Each reads the text whose first byte is at `at` up to its closing quote, and answers the address behind that, or 0.

const NO_DIGIT: u32 = 0x80;

/** The value of a hexadecimal digit of either case. */
// @ts-ignore: decorator
@inline
function hex(byte: u32): u32 {
  if (byte - 0x30 < 10) return byte - 0x30;
  const letter = (byte | 0x20) - 0x61;
  return letter < 6 ? letter + 10 : NO_DIGIT;
}

const DASH: u32 = 0x2d;
const UUID_LETTERS: usize = 36;

/** With its four dashes: two words of 64 bits, upper one first. */
export function readUuid(at: usize, to: usize): usize {
  let word: u64 = 0;
  let digits: u32 = 0;
  for (let letter: usize = 0; letter < UUID_LETTERS; letter++) {
    const byte = <u32>load<u8>(at + letter);
    if (letter == 8 || letter == 13 || letter == 18 || letter == 23) {
      if (byte != DASH) return 0;
      continue;
    }
    const digit = hex(byte);
    if (digit == NO_DIGIT) return 0;
    word = (word << 4) | digit;
    if (++digits == 16) store<u64>(to, word);
  }
  store<u64>(to, word, 8);
  return load<u8>(at + UUID_LETTERS) == QUOTE ? at + UUID_LETTERS + 1 : 0;
}

const POINT: u32 = 0x2e;

/** Four numbers without zeros before them: one word. */
export function readIpv4(at: usize, to: usize): usize {
  let address: u32 = 0;
  for (let part = 0; part < 4; part++) {
    const first = <u32>load<u8>(at);
    let value: u32 = 0;
    let digits = 0;
    for (let digit = first - 0x30; digit < 10; digit = <u32>load<u8>(++at) - 0x30) {
      if (++digits > 3) return 0;
      value = value * 10 + digit;
    }
    if (digits == 0 || value > 255 || (first == 0x30 && digits > 1)) return 0;
    address = (address << 8) | value;
    if (<u32>load<u8>(at++) != (part < 3 ? POINT : QUOTE)) return 0;
  }
  store<u32>(to, address);
  return at;
}

const GROUPS: usize = 8;

/** Groups of up to four digits, zeros left out at most once, no numbers with points: 16 bytes in their order. */
export function readIpv6(at: usize, to: usize): usize {
  v128.store(to, i64x2.splat(0));
  let groups: usize = 0;
  /** Groups before the zeros that are left out. */
  let before: usize = GROUPS + 1;
  if (<u32>load<u8>(at) == COLON) {
    if (<u32>load<u8>(at, 1) != COLON) return 0;
    before = 0;
    at += 2;
  }
  while (<u32>load<u8>(at) != QUOTE) {
    let value: u32 = 0;
    let digits = 0;
    for (let digit = hex(load<u8>(at)); digit != NO_DIGIT; digit = hex(load<u8>(++at))) {
      if (++digits > 4) return 0;
      value = (value << 4) | digit;
    }
    if (digits == 0 || groups == GROUPS) return 0;
    store<u8>(to + (groups << 1), value >> 8);
    store<u8>(to + (groups << 1), value, 1);
    groups++;
    if (<u32>load<u8>(at) == QUOTE) break;
    if (<u32>load<u8>(at++) != COLON) return 0;
    if (<u32>load<u8>(at) == COLON) {
      if (before <= GROUPS) return 0;
      before = groups;
      at++;
    } else if (<u32>load<u8>(at) == QUOTE) return 0;
  }
  if (before > GROUPS) return groups == GROUPS ? at + 1 : 0;
  if (groups == GROUPS) return 0;
  const behind = (groups - before) << 1;
  const left = to + (before << 1);
  memory.copy(to + 16 - behind, left, behind);
  memory.fill(left, 0, 16 - (before << 1) - behind);
  return at + 1;
}
