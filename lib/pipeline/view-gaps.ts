import { comparePositions, isAfter, isSamePosition, laterOf, type Position } from './position.ts';

/** Rows of `(after, to]` stand in the table, and views of the table lack them, or may. */
export interface ViewGap {
  readonly after: Position;
  readonly to: Position;
  /** Rows of the batches in there. */
  readonly rows: number;
  /** `database.view` of those that were not refilled since. */
  readonly views: readonly string[];
  /** The server answered that the insert failed. Otherwise nobody knows how it ended, and views may be whole. */
  readonly answered: boolean;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** The state stays small: a view that fails for days makes one gap, and many that lie apart are joined. */
const MOST_GAPS = 30;
const MOST_VIEWS = 50;

/** In order of position. One that is noted already changes nothing. */
export function addViewGap(gaps: readonly ViewGap[], added: ViewGap): readonly ViewGap[] {
  const gap = { ...added, views: added.views.toSorted().slice(0, MOST_VIEWS) };
  if (gaps.some((known) => covers(known, gap))) return gaps;
  const joined: ViewGap[] = [];
  for (const next of [...gaps, gap].toSorted((a, b) => comparePositions(a.after, b.after))) {
    const last = joined.at(-1);
    if (last && isSamePosition(last.to, next.after) && isAlike(last, next))
      joined.push(join(joined.pop() ?? last, next));
    else joined.push(next);
  }
  while (joined.length > MOST_GAPS) {
    const [first, second] = joined;
    if (first && second) joined.splice(0, 2, join(first, second));
  }
  return joined;
}

/** The gaps that are left once a view has the rows of one of them. */
export function withoutView(gaps: readonly ViewGap[], filled: ViewGap, view: string): readonly ViewGap[] {
  return gaps.flatMap((gap) => {
    if (!isSamePosition(gap.after, filled.after) || !isSamePosition(gap.to, filled.to)) return [gap];
    const views = gap.views.filter((name) => name !== view);
    return views.length === 0 ? [] : [{ ...gap, views }];
  });
}

function covers(known: ViewGap, gap: ViewGap): boolean {
  const inside = !isAfter(known.after, gap.after) && !isAfter(gap.to, known.to);
  return inside && gap.views.every((view) => known.views.includes(view));
}

function isAlike(a: ViewGap, b: ViewGap): boolean {
  return a.answered === b.answered && a.views.join() === b.views.join();
}

function join(a: ViewGap, b: ViewGap): ViewGap {
  return {
    after: a.after,
    to: laterOf(a.to, b.to),
    rows: a.rows + b.rows,
    views: [...new Set([...a.views, ...b.views])].toSorted().slice(0, MOST_VIEWS),
    // Where they do not touch, views have what lies between.
    answered: a.answered && b.answered && isSamePosition(a.to, b.after),
    since: Math.min(a.since, b.since),
  };
}
