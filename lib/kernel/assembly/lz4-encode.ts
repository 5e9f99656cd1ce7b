import { LZ4_HASHES } from '../layout';

/** Where four bytes were seen last, by their hash: 2^14 positions are 64 KiB, which a core keeps in its second cache. */
const HASH_BITS: u32 = 14;
const MIN_MATCH: u32 = 4;
const FARTHEST: usize = 65535;
/** The format wants no match to begin within the last twelve bytes of a block, and the last five to be literals. */
const NO_START: usize = 12;
const LAST_LITERALS: usize = 5;
/** After so many misses the search goes by two bytes, after twice as many by three: what does not compress costs little. */
const PATIENCE_BITS: u32 = 6;

// @ts-ignore: decorator
@inline
function slotOf(sequence: u32): usize {
  return LZ4_HASHES + (((sequence * 0x9e3779b1) >>> (32 - HASH_BITS)) << 2);
}

/** The rest of a length of which the token holds 15. Answers the address behind it. */
// @ts-ignore: decorator
@inline
function putLength(to: usize, rest: u32): usize {
  for (; rest >= 255; rest -= 255) store<u8>(to++, 255);
  store<u8>(to++, rest);
  return to;
}

/** The first address from `at` on whose byte differs from the one as far behind `candidate`, `limit` at the most. */
// @ts-ignore: decorator
@inline
function matchEnd(at: usize, candidate: usize, limit: usize): usize {
  while (at + 8 <= limit) {
    const difference = load<u64>(at) ^ load<u64>(candidate);
    if (difference != 0) return at + (<usize>ctz(difference) >>> 3);
    at += 8;
    candidate += 8;
  }
  while (at < limit && load<u8>(at) == load<u8>(candidate)) {
    at++;
    candidate++;
  }
  return at;
}

/**
 * Compresses `size` bytes at `from` to one raw LZ4 block at `out`: greedy, one candidate a position
 * (https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md). There must be room for `size + size / 255 + 16` bytes and the
 * slack. Answers the length of the block.
 */
export function lz4Encode(from: usize, size: u32, out: usize): u32 {
  memory.fill(LZ4_HASHES, 0, 4 << HASH_BITS);
  const end = from + size;
  let anchor = from;
  let to = out;
  if (<usize>size > NO_START) {
    const lastStart = end - NO_START;
    const limit = end - LAST_LITERALS;
    let misses: u32 = 1 << PATIENCE_BITS;
    let at = from + 1;
    while (at <= lastStart) {
      const sequence = load<u32>(at);
      const slot = slotOf(sequence);
      let candidate = from + load<u32>(slot);
      store<u32>(slot, <u32>(at - from));
      if (load<u32>(candidate) != sequence || at - candidate > FARTHEST) {
        at += <usize>(misses++ >>> PATIENCE_BITS);
        continue;
      }
      misses = 1 << PATIENCE_BITS;
      let next = matchEnd(at + MIN_MATCH, candidate + MIN_MATCH, limit);
      while (at > anchor && candidate > from && load<u8>(at - 1) == load<u8>(candidate - 1)) {
        at--;
        candidate--;
      }
      const literals = <u32>(at - anchor);
      const length = <u32>(next - at) - MIN_MATCH;
      store<u8>(to++, (min<u32>(literals, 15) << 4) | min<u32>(length, 15));
      if (literals >= 15) to = putLength(to, literals - 15);
      for (let copied: usize = 0; copied < literals; copied += 16)
        v128.store(to + copied, v128.load(anchor + copied));
      to += literals;
      store<u16>(to, <u16>(at - candidate));
      to += 2;
      if (length >= 15) to = putLength(to, length - 15);
      at = next;
      anchor = next;
      if (at <= lastStart) store<u32>(slotOf(load<u32>(at - 2)), <u32>(at - 2 - from));
    }
  }
  const literals = <u32>(end - anchor);
  store<u8>(to++, min<u32>(literals, 15) << 4);
  if (literals >= 15) to = putLength(to, literals - 15);
  memory.copy(to, anchor, literals);
  return <u32>(to + literals - out);
}
