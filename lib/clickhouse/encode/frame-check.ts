/** Deeper nesting is refused; the server refuses it too (`input_format_json_max_depth`). */
const MAX_DEPTH = 1000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING_BRACE = 0x7b;
const COLON_BYTE = 0x3a;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const LETTER_U = 0x75;

/** What a byte begins outside a string. */
const SPACE = 0;
const STRING = 1;
const NUMBER = 2;
const COMMA = 3;
const COLON = 4;
const OPEN = 5;
const CLOSE = 6;
const LITERAL = 7;
const FOREIGN = 8;

const TOKENS = new Uint8Array(256).fill(FOREIGN);
for (const [token, bytes] of [
  [SPACE, ' \t\n\r'],
  [STRING, '"'],
  [NUMBER, '-0123456789'],
  [COMMA, ','],
  [COLON, ':'],
  [OPEN, '{['],
  [CLOSE, '}]'],
  [LITERAL, 'tfn'],
] as const) {
  for (const byte of Buffer.from(bytes)) TOKENS[byte] = token;
}

/** What a byte is inside a string: all that is PLAIN is stepped over without a second look. */
const PLAIN = 0;
const SPECIAL = 1;
const IN_STRING = new Uint8Array(256).fill(SPECIAL, 0, 0x20);
IN_STRING[QUOTE] = SPECIAL;
IN_STRING[BACKSLASH] = SPECIAL;

const ESCAPES = new Uint8Array(256);
for (const byte of Buffer.from('"\\/bfnrt')) ESCAPES[byte] = 1;

const HEX = new Uint8Array(256);
for (const byte of Buffer.from('0123456789abcdefABCDEF')) HEX[byte] = 1;

const DIGIT = new Uint8Array(256);
for (const byte of Buffer.from('0123456789')) DIGIT[byte] = 1;

const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const NULL = Buffer.from('null');

/** What may come next. From VALUE on a value may. */
const AFTER_VALUE = 0;
const AFTER_KEY = 1;
const KEY = 2;
const KEY_OR_END = 3;
const VALUE = 4;
const VALUE_OR_END = 5;

/** `{` and `}`, `[` and `]`: each closing byte is its opening one plus two. */
const CLOSES_BY = 2;

/** Kinds of values that ClickHouse may read as something else without a word; see silent-changes.ts. */
export const SEEN = {
  /** A string (a key too) of no length. */
  empty: 1,
  /** A string that begins as numbers do but for their digits: `+ - . e E`. */
  sign: 2,
  /** A string that begins with a digit. */
  digit: 4,
  null: 8,
} as const;

const SEEN_AT_START = new Uint8Array(256);
SEEN_AT_START[QUOTE] = SEEN.empty;
for (const byte of Buffer.from('+-.eE')) SEEN_AT_START[byte] = SEEN.sign;
for (const byte of Buffer.from('0123456789')) SEEN_AT_START[byte] = SEEN.digit;

/** What is seen of a string whose first byte, or closing quote, is at `at`. */
export function seenAt(data: Uint8Array, at: number): number {
  return SEEN_AT_START[data[at] as number] as number;
}

/**
 * Checks that a payload is exactly one JSON object (RFC 8259), so that one message never becomes two rows or none. It is
 * as strict as JSON, because ClickHouse's reader is not: where it takes bytes for a value that JSON would refuse, it can
 * take the end of a message for the middle of a value, and its neighbours with it.
 */
export class FrameCheck {
  /** `SEEN` of the payload last checked and accepted. */
  seen = 0;
  readonly #opened = new Uint8Array(MAX_DEPTH + 1);

  /** Why the bytes `[start, end)` are not one JSON object, or undefined when they are. White space may surround it. */
  fault(data: Uint8Array, start: number, end: number): string | undefined {
    let at = start;
    while (at < end && TOKENS[data[at] as number] === SPACE) at++;
    if (at === end) return 'is empty';
    if (data[at] !== OPENING_BRACE) return 'does not begin with "{"';

    const opened = this.#opened;
    let depth = 0;
    let next = VALUE;
    let seen = 0;
    while (at < end) {
      const byte = data[at++] as number;
      switch (TOKENS[byte]) {
        case SPACE:
          continue;
        case STRING: {
          if (next < KEY) return misplaced(data, at - 1, start);
          seen |= SEEN_AT_START[data[at] as number] as number;
          at = stringEnd(data, at, end);
          if (at < 0) return stringFault(data, ~at, start, end);
          if (next >= VALUE) next = AFTER_VALUE;
          // Only a short cut: nearly every key has its colon right behind it.
          else if (at < end && data[at] === COLON_BYTE) {
            at++;
            next = VALUE;
          } else next = AFTER_KEY;
          continue;
        }
        case COLON:
          if (next !== AFTER_KEY) return misplaced(data, at - 1, start);
          next = VALUE;
          continue;
        case COMMA:
          if (next !== AFTER_VALUE) return misplaced(data, at - 1, start);
          next = opened[depth - 1] === OPENING_BRACE ? KEY : VALUE;
          continue;
        case NUMBER:
          if (next < VALUE) return misplaced(data, at - 1, start);
          at = numberEnd(data, at - 1, end);
          if (at < 0) return `has a number that is no JSON at byte ${~at - start}`;
          next = AFTER_VALUE;
          continue;
        case OPEN:
          if (next < VALUE) return misplaced(data, at - 1, start);
          if (depth === MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels`;
          opened[depth++] = byte;
          next = byte === OPENING_BRACE ? KEY_OR_END : VALUE_OR_END;
          continue;
        case CLOSE:
          if ((opened[--depth] as number) + CLOSES_BY !== byte)
            return `has a bracket that does not match at byte ${at - 1 - start}`;
          if (next !== AFTER_VALUE && next !== KEY_OR_END && next !== VALUE_OR_END)
            return misplaced(data, at - 1, start);
          next = AFTER_VALUE;
          if (depth > 0) continue;
          break;
        case LITERAL: {
          if (next < VALUE) return misplaced(data, at - 1, start);
          const literal = literalAt(data, at - 1, end);
          if (literal === undefined) return `has a word that is no JSON at byte ${at - 1 - start}`;
          if (literal === NULL) seen |= SEEN.null;
          at += literal.length - 1;
          next = AFTER_VALUE;
          continue;
        }
        default:
          return `has a byte that is no JSON at byte ${at - 1 - start}`;
      }
      break;
    }
    if (depth !== 0) return 'ends inside the object';
    while (at < end && TOKENS[data[at] as number] === SPACE) at++;
    this.seen = seen;
    return at === end ? undefined : `goes on after its object at byte ${at - start}`;
  }
}

/** Offset after the closing quote of the string that begins at `from`; `~offset` of the byte that spoils it, `~end` when unclosed. */
export function stringEnd(data: Uint8Array, from: number, end: number): number {
  let at = from;
  for (;;) {
    // Four at a time: this loop is where most of the time goes.
    while (
      at + 3 < end &&
      ((IN_STRING[data[at] as number] as number) |
        (IN_STRING[data[at + 1] as number] as number) |
        (IN_STRING[data[at + 2] as number] as number) |
        (IN_STRING[data[at + 3] as number] as number)) ===
        PLAIN
    )
      at += 4;
    while (at < end && IN_STRING[data[at] as number] === PLAIN) at++;
    if (at >= end) return ~end;
    const byte = data[at] as number;
    if (byte === QUOTE) return at + 1;
    if (byte < 0x20) return ~at;
    const escaped = data[at + 1] as number;
    if (at + 1 >= end) return ~end;
    if (ESCAPES[escaped] === 1) at += 2;
    else if (escaped === LETTER_U) {
      // The server takes whatever four bytes follow, quotes too.
      for (let digit = at + 2; digit < at + 6; digit++) {
        if (digit >= end) return ~end;
        if (HEX[data[digit] as number] !== 1) return ~at;
      }
      at += 6;
    } else return escaped < 0x20 ? ~(at + 1) : ~at;
  }
}

/** Offset after the JSON number that begins at `from`; `~from` where it is none. */
export function numberEnd(data: Uint8Array, from: number, end: number): number {
  let at = data[from] === MINUS ? from + 1 : from;
  if (at >= end || DIGIT[data[at] as number] !== 1) return ~from;
  if (data[at] === ZERO) at++;
  else at = digitsEnd(data, at, end);
  if (at < end && data[at] === POINT) {
    const fraction = at + 1;
    at = digitsEnd(data, fraction, end);
    if (at === fraction) return ~from;
  }
  if (at < end && ((data[at] as number) | 0x20) === 0x65) {
    at++;
    if (at < end && (data[at] === MINUS || data[at] === 0x2b)) at++;
    const exponent = at;
    at = digitsEnd(data, exponent, end);
    if (at === exponent) return ~from;
  }
  return at;
}

function digitsEnd(data: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && DIGIT[data[at] as number] === 1) at++;
  return at;
}

function literalAt(data: Uint8Array, at: number, end: number): Uint8Array | undefined {
  const literal = literalOf(data[at] as number);
  if (at + literal.length > end) return undefined;
  for (let index = 1; index < literal.length; index++) {
    if (data[at + index] !== literal[index]) return undefined;
  }
  return literal;
}

function literalOf(first: number): Uint8Array {
  if (first === NULL[0]) return NULL;
  return first === TRUE[0] ? TRUE : FALSE;
}

function misplaced(data: Uint8Array, at: number, start: number): string {
  const byte = data[at] as number;
  const isValue = TOKENS[byte] !== COMMA && TOKENS[byte] !== COLON && TOKENS[byte] !== CLOSE;
  const what = isValue ? 'value' : JSON.stringify(String.fromCharCode(byte));
  return `has a ${what} that JSON has no place for at byte ${at - start}`;
}

function stringFault(data: Uint8Array, at: number, start: number, end: number): string {
  if (at >= end) return 'ends inside a string';
  return data[at] === BACKSLASH
    ? `has an escape that is no JSON at byte ${at - start}`
    : 'has a raw control byte in a string';
}
