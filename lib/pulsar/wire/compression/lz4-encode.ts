const MIN_MATCH = 4;
const MAX_OFFSET = 65_535;
/** The format wants the last five bytes as literals, and no match to begin within the last twelve. */
const LAST_LITERALS = 5;
const MATCH_LIMIT = 12;
const HASH_BITS = 14;

/** Compresses to one raw LZ4 block: greedy, one hash probe a position, for the producer. */
export function encodeLz4Block(input: Uint8Array): Buffer {
  const output = Buffer.allocUnsafe(input.length + Math.ceil(input.length / 255) + 16);
  const table = new Int32Array(1 << HASH_BITS).fill(-1);
  const lastMatchStart = input.length - MATCH_LIMIT;
  const matchEndLimit = input.length - LAST_LITERALS;
  let anchor = 0;
  let at = 0;
  let to = 0;
  while (at <= lastMatchStart) {
    const sequence = read32(input, at);
    const slot = Math.imul(sequence, 0x9e3779b1) >>> (32 - HASH_BITS);
    const candidate = table[slot] as number;
    table[slot] = at;
    if (candidate < 0 || at - candidate > MAX_OFFSET || read32(input, candidate) !== sequence) {
      at++;
      continue;
    }
    let length = MIN_MATCH;
    while (at + length < matchEndLimit && input[candidate + length] === input[at + length]) length++;
    to = writeSequence(output, to, input, anchor, at, at - candidate, length);
    at += length;
    anchor = at;
  }
  return output.subarray(0, writeLiterals(output, to, input, anchor, input.length, 0));
}

function read32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

function writeSequence(
  output: Buffer,
  start: number,
  input: Uint8Array,
  anchor: number,
  literalEnd: number,
  offset: number,
  length: number,
): number {
  const matchLength = length - MIN_MATCH;
  let to = writeLiterals(output, start, input, anchor, literalEnd, Math.min(matchLength, 15));
  output[to++] = offset & 0xff;
  output[to++] = offset >>> 8;
  return matchLength < 15 ? to : writeLength(output, to, matchLength - 15);
}

function writeLiterals(
  output: Buffer,
  start: number,
  input: Uint8Array,
  from: number,
  end: number,
  matchNibble: number,
): number {
  const count = end - from;
  let to = start;
  output[to++] = (Math.min(count, 15) << 4) | matchNibble;
  if (count >= 15) to = writeLength(output, to, count - 15);
  output.set(input.subarray(from, end), to);
  return to + count;
}

function writeLength(output: Buffer, start: number, length: number): number {
  let to = start;
  let rest = length;
  for (; rest >= 255; rest -= 255) output[to++] = 255;
  output[to++] = rest;
  return to;
}
