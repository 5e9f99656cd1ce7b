/**
 * Decodes one raw snappy block into exactly `output.length` bytes. Written from the format: a varint of the whole
 * length, then elements whose tag's two low bits say literal or copy, with an offset of one, two or four bytes. Every
 * length is checked against both buffers before anything is copied: the packages at hand loop for ever on a length
 * that exceeds 31 bits.
 * @throws RangeError saying what is wrong with the block.
 */
export function decodeSnappyBlock(input: Uint8Array, output: Uint8Array): void {
  const { length } = input;
  const size = output.length;
  const announced = readLength(input);
  if (announced.value !== size) {
    throw new RangeError(`the block announces ${announced.value} bytes where ${size} were announced`);
  }
  let from = announced.end;
  let to = 0;
  while (from < length) {
    const tag = input[from++] as number;
    if ((tag & 3) === 0) {
      const extra = Math.max(0, (tag >>> 2) - 59);
      const literals = (extra === 0 ? tag >>> 2 : readLittleEndian(input, from, extra)) + 1;
      from += extra;
      if (literals > length - from) throw new RangeError('literals run past the end of the block');
      if (literals > size - to) throw new RangeError('the block is longer than its uncompressed size');
      output.set(input.subarray(from, from + literals), to);
      from += literals;
      to += literals;
      continue;
    }
    const bytes = (tag & 3) === 3 ? 4 : tag & 3;
    const low = readLittleEndian(input, from, bytes);
    const offset = bytes === 1 ? ((tag >>> 5) << 8) | low : low;
    const copied = bytes === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    from += bytes;
    if (offset === 0 || offset > to) throw new RangeError('a copy lies before the start of the output');
    if (copied > size - to) throw new RangeError('the block is longer than its uncompressed size');
    for (const end = to + copied; to < end; to++) output[to] = output[to - offset] as number;
  }
  if (to !== size) throw new RangeError(`the block holds ${to} bytes where ${size} were announced`);
}

function readLength(input: Uint8Array): { value: number; end: number } {
  let value = 0;
  for (let end = 0; end < 5; end++) {
    const byte = input[end];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** (7 * end);
    if (byte < 0x80) return { value, end: end + 1 };
  }
  throw new RangeError('the length of the block runs past its end');
}

function readLittleEndian(input: Uint8Array, at: number, bytes: number): number {
  if (bytes > input.length - at) throw new RangeError('a length or an offset runs past the end');
  let value = 0;
  for (let index = 0; index < bytes; index++) value += (input[at + index] as number) * 2 ** (8 * index);
  return value;
}
