import { copyMatch } from './match';

/**
 * Decodes one raw LZ4 block `[from, end)` into exactly `size` bytes at `out`. Answers 0, or 1 where it is not such a
 * block. Copies go by 16 bytes: they may read past the end of the block, and write past the end of the output, by less
 * than 32. Every length is checked before what it measures is copied, except literals of fewer than 15 bytes, which
 * are copied first.
 */
export function lz4Decode(from: usize, end: usize, out: usize, size: usize): i32 {
  const limit = out + size;
  let to = out;
  while (from < end) {
    const token = <u32>load<u8>(from++);

    let literals: usize = token >>> 4;
    if (literals < 15) {
      v128.store(to, v128.load(from));
    } else {
      let more: u32;
      do {
        if (from >= end) return 1;
        more = load<u8>(from++);
        literals += more;
      } while (more == 255);
      if (literals > end - from || literals > limit - to) return 1;
      for (let copied: usize = 0; copied < literals; copied += 16) {
        v128.store(to + copied, v128.load(from + copied));
      }
    }
    from += literals;
    to += literals;
    if (to > limit) return 1;
    if (from >= end) {
      if (from > end) return 1;
      break;
    }

    if (end - from < 2) return 1;
    const offset = <usize>load<u16>(from);
    from += 2;
    let length: usize = token & 15;
    if (length == 15) {
      let more: u32;
      do {
        if (from >= end) return 1;
        more = load<u8>(from++);
        length += more;
      } while (more == 255);
    }
    length += 4;
    if (offset == 0 || offset > to - out || length > limit - to) return 1;
    copyMatch(to, offset, length);
    to += length;
  }
  return to == limit ? 0 : 1;
}
