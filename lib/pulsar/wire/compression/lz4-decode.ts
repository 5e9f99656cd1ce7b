const MIN_MATCH = 4;
/** Literals up to here are copied four bytes at a time, past their end where there is room. */
const SHORT_LITERALS = 16;

/**
 * Decodes one raw LZ4 block (no frame, no size prefix) into exactly `output.length` bytes. Written from the block
 * format: `token [literal length…] literals [u16le offset] [match length…]`, again and again, the last one literals
 * only. Every length is checked against both buffers before anything is copied, so hostile input ends in an error.
 *
 * Copies go by 32-bit words through a DataView, twice as fast as by bytes: a word may spill over the end of its copy,
 * never over the end of the output, and what it spills is overwritten by what follows.
 * @throws RangeError saying what is wrong with the block.
 */
export function decodeLz4Block(input: Uint8Array, start: number, end: number, output: Uint8Array): void {
  const source = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const target = new DataView(output.buffer, output.byteOffset, output.byteLength);
  const size = output.length;
  const lastShortSource = end - SHORT_LITERALS;
  const lastShortTarget = size - SHORT_LITERALS;
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
    if (literals <= SHORT_LITERALS && from <= lastShortSource && to <= lastShortTarget) {
      for (let copied = 0; copied < literals; copied += 4) {
        target.setUint32(to + copied, source.getUint32(from + copied, true), true);
      }
    } else output.set(input.subarray(from, from + literals), to);
    from += literals;
    to += literals;
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
    const matchEnd = to + length;
    // A match may reach into itself; by words it may do so only from a word away.
    if (offset >= 4 && matchEnd <= size - 3) {
      for (; to < matchEnd; to += 4) target.setUint32(to, target.getUint32(to - offset, true), true);
    } else {
      for (; to < matchEnd; to++) output[to] = output[to - offset] as number;
    }
    to = matchEnd;
  }
  if (to !== size) throw new RangeError(`the block holds ${to} bytes where ${size} were announced`);
}
