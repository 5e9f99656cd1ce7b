import { PulsehouseError } from '../../pipeline/errors.ts';
import type { PartitionState } from '../../pipeline/partition-state.ts';
import { isSamePosition, type Position } from '../../pipeline/position.ts';
import type { ReplayDependencies } from '../dependencies.ts';
import { absenceOf, absencesOf, expiredBefore } from './absence.ts';
import { readRange } from './read-range.ts';
import { type Segment, without } from './segments.ts';

/** So many stretches of a partition are kept apart; a replay writes them down, and no item grows without bound. */
const MOST_SEGMENTS = 500;

/** Notes, entry by entry in order of position, which stretches of a range a replay has to leave alone. */
export class SparedSegments {
  readonly segments: Segment[] = [];
  private before: Position;
  private hasOverflown = false;

  /** Nothing lies between `after` and the first entry. */
  constructor(after: Position) {
    this.before = after;
  }

  add(position: Position, isSpared: boolean): void {
    const after = this.before;
    this.before = position;
    if (!isSpared) return;
    const last = this.segments.at(-1);
    if (last && isSamePosition(last.to, after)) {
      this.segments[this.segments.length - 1] = { after: last.after, to: position };
    } else if (this.segments.length < MOST_SEGMENTS) this.segments.push({ after, to: position });
    else this.hasOverflown = true;
  }

  get tooMany(): boolean {
    return this.hasOverflown;
  }
}

/** @throws PulsehouseError PH_RANGE_INVALID */
export function assertFewSpared(partition: number, tooMany: boolean): void {
  if (!tooMany) return;
  throw new PulsehouseError(
    'PH_RANGE_INVALID',
    `what is expired or excluded of partition ${partition} lies in more than ${MOST_SEGMENTS} separate stretches`,
    { where: { partition }, nextStep: 'Give a narrower range, and the rest of it afterwards.' },
  );
}

/** What of a range a repair may touch, by Pulsar's own entries: all but what may rightly be gone. */
export async function unsparedOf(
  { pipeline, transport, environment }: Pick<ReplayDependencies, 'pipeline' | 'transport' | 'environment'>,
  { partition, topic }: Pick<PartitionState, 'partition' | 'topic'>,
  range: Segment,
  deadline: number,
): Promise<readonly Segment[]> {
  const absences = absencesOf(pipeline, partition, expiredBefore(pipeline, environment.now()));
  if (absences.exclusions.length === 0 && absences.expiredBefore === undefined) return [range];
  const spared = new SparedSegments(range.after);
  for await (const entry of readRange(transport, environment, { topic, ...range }, deadline)) {
    spared.add(entry.position, absenceOf(absences, entry) !== undefined);
  }
  assertFewSpared(partition, spared.tooMany);
  return without(range, spared.segments);
}
