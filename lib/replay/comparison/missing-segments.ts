import type { Segment } from './segments.ts';

/** A stretch of a range in which rows are missing. */
export interface MissingSegment extends Segment {
  /** Entries in it. */
  readonly entries: number;
  /** Entries between the segment before, or where the comparison began, and this one: what a merger would read too much. */
  readonly gap: number;
}

/** So many stretches of a partition are told apart: what is gone through besides is small, and memory is bounded. */
export const MOST_SEGMENTS = 16;

/** Notes, entry by entry in order of position, where rows are missing. */
export class MissingSegments {
  private segments: readonly MissingSegment[] = [];
  private gap = 0;

  /** Of the one entry in `(after, to]`. */
  add({ after, to }: Segment, isMissing: boolean): void {
    if (!isMissing) {
      this.gap += 1;
      return;
    }
    const last = this.segments.at(-1);
    this.segments =
      last && this.gap === 0
        ? [...this.segments.slice(0, -1), { ...last, to, entries: last.entries + 1 }]
        : mergedTo(MOST_SEGMENTS, [...this.segments, { after, to, entries: 1, gap: this.gap }]);
    this.gap = 0;
  }

  /** So many entries in a row have all their rows. */
  pass(entries: number): void {
    this.gap += entries;
  }

  get found(): readonly MissingSegment[] {
    return this.segments;
  }
}

/**
 * What is gone through to bring back what is missing. A stretch costs a reader and a lease of its own, so there are several
 * only where that spares half the reading.
 */
export function worthReading(most: number, segments: readonly MissingSegment[]): readonly MissingSegment[] {
  const apart = mergedTo(most, segments);
  const [whole] = mergedTo(1, segments);
  const read = apart.reduce((sum, { entries }) => sum + entries, 0);
  return whole && read * 2 > whole.entries ? [whole] : apart;
}

/** Merges those closest to each other until there are at most so many. */
export function mergedTo(most: number, segments: readonly MissingSegment[]): readonly MissingSegment[] {
  let left = segments;
  while (left.length > Math.max(1, most)) {
    const gaps = left.slice(1).map(({ gap }) => gap);
    const at = gaps.indexOf(Math.min(...gaps)) + 1;
    left = left.flatMap((segment, index) => {
      if (index === at) return [];
      const next = index === at - 1 ? left[at] : undefined;
      return [next ? joined(segment, next) : segment];
    });
  }
  return left;
}

function joined(segment: MissingSegment, next: MissingSegment): MissingSegment {
  return { ...segment, to: next.to, entries: segment.entries + next.gap + next.entries };
}
