import { formatPosition, type Position } from '../../pipeline/position.ts';
import type { ReplayRange } from '../../pipeline/replay.ts';
import { absenceOf, absencesOf, expiredBefore } from '../comparison/absence.ts';
import { deadLettersIn } from '../comparison/dead-letters-in.ts';
import { type Segment, without } from '../comparison/segments.ts';
import { assertFewSpared, SparedSegments } from '../comparison/spared-segments.ts';
import { byEntry } from './letter-entries.ts';
import { type PlanDependencies, type ReplayRequest, readLedgers } from './plan.ts';
import { resolveRange } from './range.ts';

export interface RedrivePlan {
  readonly request: ReplayRequest;
  readonly ranges: readonly (ReplayRange & {
    readonly deadLetters: number;
    /** Dead letters that a recorded deletion names, or that the table's TTL would take away at once: they stay what they are. */
    readonly spared: number;
    readonly segments: readonly Segment[];
    readonly first: string | undefined;
    readonly leftOut: string | undefined;
  })[];
}

/** The dead letters that a redrive of the range would put through the mapping again. Changes nothing. */
export async function planRedrive(
  dependencies: PlanDependencies,
  request: ReplayRequest,
  deadline: number,
): Promise<RedrivePlan> {
  const { pipeline, environment } = dependencies;
  const expired = expiredBefore(pipeline, environment.now());
  const ledgers = await readLedgers(dependencies, request.partitions, deadline);
  const ranges = await resolveRange(dependencies, request, ledgers, deadline);
  const planned = await Promise.all(
    ranges.map(async (range) => {
      const ledger = ledgers.find(({ state }) => state.partition === range.partition);
      const absences = absencesOf(pipeline, range.partition, expired);
      const spared = new SparedSegments(range.after);
      let deadLetters = 0;
      let leftAlone = 0;
      let first: Position | undefined;
      const sources = ledger?.deadLetterSources ?? [];
      for await (const { position, letters } of byEntry(
        deadLettersIn(dependencies, sources, range, deadline),
      )) {
        const isSpared = absenceOf(absences, { position, publishTime: letters[0]?.publishTime ?? 0 });
        spared.add(position, isSpared !== undefined);
        if (isSpared) leftAlone += letters.length;
        else {
          first ??= position;
          deadLetters += letters.length;
        }
      }
      assertFewSpared(range.partition, spared.tooMany);
      return {
        ...range,
        deadLetters,
        spared: leftAlone,
        segments: without(range, spared.segments),
        first: first && formatPosition(first),
        leftOut: deadLetters === 0 ? 'it has no dead letters' : undefined,
      };
    }),
  );
  return { request, ranges: planned };
}
