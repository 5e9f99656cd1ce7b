import { type FirstIndexes, hashOfIndexes } from '../../pipeline/index-hash.ts';

/** Message indexes of one entry that must each have one row: `0 … count - 1`, without some. */
export interface IndexSet {
  readonly count: number;
  readonly without: ReadonlySet<number>;
}

export function sizeOf({ count, without }: IndexSet): number {
  return count - without.size;
}

export function isInSet({ count, without }: IndexSet, index: number): boolean {
  return index < count && !without.has(index);
}

export function hashOfSet({ count, without }: IndexSet, first: FirstIndexes): bigint {
  return first.hash(count) ^ hashOfIndexes(without);
}
