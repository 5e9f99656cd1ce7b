const WHOLE = (1n << 64n) - 1n;

/** ClickHouse's `intHash64`, of a message index: a bijection of 64 bits. */
function hashOfIndex(index: number): bigint {
  let hash = BigInt(index) ^ 0x4cf2d2baae6da887n;
  hash ^= hash >> 33n;
  hash = (hash * 0xff51afd7ed558ccdn) & WHOLE;
  hash ^= hash >> 33n;
  hash = (hash * 0xc4ceb9fe1a85ec53n) & WHOLE;
  return hash ^ (hash >> 33n);
}

/**
 * Tells sets of message indexes apart that are of one size: the XOR of a hash of each. ClickHouse computes the same as
 * `groupBitXor(intHash64(_index))`. An index that comes twice cancels itself: count them besides.
 */
export function hashOfIndexes(indexes: Iterable<number>): bigint {
  let hash = 0n;
  for (const index of indexes) hash ^= hashOfIndex(index);
  return hash;
}

/** Hashes of `0 … count - 1`, each computed once. One for a comparison: its memory grows with the largest count. */
export class FirstIndexes {
  readonly #hashes: bigint[] = [0n];

  hash(count: number): bigint {
    for (let next = this.#hashes.length; next <= count; next += 1) {
      this.#hashes.push((this.#hashes[next - 1] ?? 0n) ^ hashOfIndex(next - 1));
    }
    return this.#hashes[count] ?? 0n;
  }
}
