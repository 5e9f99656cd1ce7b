/**
 * Copies what lies `offset` bytes before `to`. It may reach into itself: by words of 16 or 8 bytes it may do so only from as far
 * away. Writes past its end by less than 16 bytes.
 */
// @ts-ignore: decorator
@inline
export function copyMatch(to: usize, offset: usize, length: usize): void {
  const stop = to + length;
  let from = to - offset;
  if (offset >= 16) {
    do {
      v128.store(to, v128.load(from));
      to += 16;
      from += 16;
    } while (to < stop);
  } else if (offset >= 8) {
    do {
      store<u64>(to, load<u64>(from));
      to += 8;
      from += 8;
    } while (to < stop);
  } else {
    do {
      store<u8>(to++, load<u8>(from++));
    } while (to < stop);
  }
}
