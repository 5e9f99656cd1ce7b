/** Deeper nesting is refused; the server refuses it too (`input_format_json_max_depth`). */
const MAX_DEPTH = 1000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** What a byte may be outside a string. Anything that is no part of JSON's grammar there is FOREIGN. */
const PLAIN = 0;
const STRING = 1;
const OPEN = 2;
const CLOSE = 3;
const FOREIGN = 4;

const OUTSIDE = new Uint8Array(256).fill(FOREIGN);
for (const byte of Buffer.from(' \t\n\r:,+-.0123456789eEtrufalsn')) OUTSIDE[byte] = PLAIN;
OUTSIDE[QUOTE] = STRING;
for (const byte of Buffer.from('{[')) OUTSIDE[byte] = OPEN;
for (const byte of Buffer.from('}]')) OUTSIDE[byte] = CLOSE;

/** `{` and `}`, `[` and `]`: each closing byte is its opening one plus two. */
const CLOSES_BY = 2;

/** Reused by every call: nothing is awaited while it is in use. */
const opened = new Uint8Array(MAX_DEPTH + 1);

/**
 * Why the bytes `[start, end)` are not exactly one JSON object, or undefined when they are. White space may surround it.
 * This is about framing only: one message must never become two rows or none. What stands inside the frame is read
 * by the server, which refuses what it cannot use.
 */
export function frameFault(data: Uint8Array, start: number, end: number): string | undefined {
  let at = start;
  while (at < end && isWhiteSpace(data[at] as number)) at++;
  if (at === end) return 'is empty';
  if (data[at] !== 0x7b) return 'does not begin with "{"';

  let depth = 0;
  while (at < end) {
    const byte = data[at++] as number;
    const kind = OUTSIDE[byte] as number;
    if (kind === PLAIN) continue;
    if (kind === STRING) {
      at = stringEnd(data, at, end);
      if (at < 0) return stringFault(~at, end);
    } else if (kind === OPEN) {
      if (depth === MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels`;
      opened[depth++] = byte;
    } else if (kind === CLOSE) {
      if ((opened[--depth] as number) + CLOSES_BY !== byte)
        return `has a bracket that does not match at byte ${at - 1 - start}`;
      if (depth === 0) break;
    } else {
      return `has a byte that is no JSON at byte ${at - 1 - start}`;
    }
  }
  if (depth !== 0) return 'ends inside the object';
  while (at < end && isWhiteSpace(data[at] as number)) at++;
  return at === end ? undefined : `goes on after its object at byte ${at - start}`;
}

/** Offset after the closing quote of the string that begins at `from`; `~offset` of the byte that spoils it, `~end` when unclosed. */
function stringEnd(data: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const byte = data[at++] as number;
    if (byte === QUOTE) return at;
    if (byte < 0x20) return ~(at - 1);
    // A control byte is refused after a backslash too, so only a printable one is stepped over.
    if (byte === BACKSLASH && at < end && (data[at] as number) >= 0x20) at++;
  }
  return ~end;
}

function stringFault(at: number, end: number): string {
  return at >= end ? 'ends inside a string' : 'has a raw control byte in a string';
}

function isWhiteSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
