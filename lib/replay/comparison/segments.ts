import { comparePositions, isAfter, laterOf, type Position } from '../../pipeline/position.ts';

/** `(after, to]`. */
export interface Segment {
  readonly after: Position;
  readonly to: Position;
}

/** What is left of a segment without the holes, in order. */
export function without(segment: Segment, holes: readonly Segment[]): readonly Segment[] {
  const left: Segment[] = [];
  let after = segment.after;
  for (const hole of holes.toSorted((a, b) => comparePositions(a.after, b.after))) {
    if (!isAfter(hole.to, after) || !isAfter(segment.to, hole.after)) continue;
    if (isAfter(hole.after, after)) left.push({ after, to: hole.after });
    after = laterOf(after, hole.to);
  }
  if (isAfter(segment.to, after)) left.push({ after, to: segment.to });
  return left;
}

export function isIn(position: Position, segments: readonly Segment[]): boolean {
  return segments.some(({ after, to }) => isAfter(position, after) && !isAfter(position, to));
}
