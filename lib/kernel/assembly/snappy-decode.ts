import { copyMatch } from './match';

/**
 * Decodes one raw snappy block `[from, end)` into exactly `size` bytes at `out`. Answers 0, or 1 where it is not such a
 * block. Copies go by 16 bytes: they may read past the end of the block, and write past the end of the output, by less
 * than 16. Every length is checked before what it measures is copied.
 */
export function snappyDecode(from: usize, end: usize, out: usize, size: usize): i32 {
  let announced: u64 = 0;
  for (let shift: u64 = 0; ; shift += 7) {
    if (from >= end || shift > 28) return 1;
    const byte = <u64>load<u8>(from++);
    announced |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  if (announced != <u64>size) return 1;

  const limit = out + size;
  let to = out;
  while (from < end) {
    const tag = <u32>load<u8>(from++);
    const kind = tag & 3;
    if (kind == 0) {
      let literals = <u64>(tag >>> 2);
      if (literals >= 60) {
        const extra = <usize>(literals - 59);
        if (extra > end - from) return 1;
        literals = littleEndian(from, extra);
        from += extra;
      }
      literals++;
      if (literals > <u64>(end - from) || literals > <u64>(limit - to)) return 1;
      const length = <usize>literals;
      for (let copied: usize = 0; copied < length; copied += 16) v128.store(to + copied, v128.load(from + copied));
      from += length;
      to += length;
      continue;
    }
    const bytes: usize = kind == 3 ? 4 : kind;
    if (bytes > end - from) return 1;
    let offset = littleEndian(from, bytes);
    let length: usize = (tag >>> 2) + 1;
    if (kind == 1) {
      offset |= <u64>(tag >>> 5) << 8;
      length = ((tag >>> 2) & 7) + 4;
    }
    from += bytes;
    if (offset == 0 || offset > <u64>(to - out) || length > limit - to) return 1;
    copyMatch(to, <usize>offset, length);
    to += length;
  }
  return to == limit ? 0 : 1;
}

/** Of one to four bytes. */
// @ts-ignore: decorator
@inline
function littleEndian(at: usize, bytes: usize): u64 {
  return <u64>(load<u32>(at) & <u32>((<u64>1 << (<u64>bytes << 3)) - 1));
}
