/** From this length on, one native copy is faster than a byte loop. */
const NATIVE_COPY = 48;
const MIN_MATCH = 4;

/**
 * Decodes one raw LZ4 block (no frame, no size prefix) into exactly `output.length` bytes. Written from the block
 * format: `token [literal length…] literals [u16le offset] [match length…]`, again and again, the last one literals
 * only. Every read and write is checked, so hostile input ends in an error and never beyond either buffer.
 * @throws RangeError saying what is wrong with the block.
 */
export function decodeLz4Block(input: Uint8Array, start: number, end: number, output: Uint8Array): void {
  const size = output.length;
  let from = start;
  let to = 0;
  while (from < end) {
    const token = input[from++] as number;

    let literals = token >>> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255) {
        if (from >= end) throw new RangeError('a literal length runs past the end');
        more = input[from++] as number;
        literals += more;
      }
    }
    if (literals > end - from) throw new RangeError('literals run past the end of the block');
    if (literals > size - to) throw new RangeError('the block is longer than its uncompressed size');
    if (literals < NATIVE_COPY) {
      for (const stop = to + literals; to < stop; ) output[to++] = input[from++] as number;
    } else {
      output.set(input.subarray(from, from + literals), to);
      from += literals;
      to += literals;
    }
    if (from === end) break;

    if (end - from < 2) throw new RangeError('an offset runs past the end');
    const offset = (input[from] as number) | ((input[from + 1] as number) << 8);
    from += 2;
    if (offset === 0 || offset > to) throw new RangeError('a match lies before the start of the output');
    let length = token & 15;
    if (length === 15) {
      let more = 255;
      while (more === 255) {
        if (from >= end) throw new RangeError('a match length runs past the end');
        more = input[from++] as number;
        length += more;
      }
    }
    length += MIN_MATCH;
    if (length > size - to) throw new RangeError('the block is longer than its uncompressed size');
    let match = to - offset;
    if (length >= NATIVE_COPY && offset >= length) {
      output.copyWithin(to, match, match + length);
      to += length;
    } else {
      for (const stop = to + length; to < stop; ) output[to++] = output[match++] as number;
    }
  }
  if (to !== size) throw new RangeError(`the block holds ${to} bytes where ${size} were announced`);
}
