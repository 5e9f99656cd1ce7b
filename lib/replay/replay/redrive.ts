import { formatPosition, isAfter } from '../../pipeline/position.ts';
import type { ReplayRange } from '../../pipeline/replay.ts';
import type { Entry } from '../../ports/transport.ts';
import { absenceOf, absencesOf, expiredBefore } from '../comparison/absence.ts';
import { batchesIn } from '../comparison/ledger.ts';
import { type Segment, without } from '../comparison/segments.ts';
import { assertFewSpared, SparedSegments } from '../comparison/spared-segments.ts';
import { deadLetterEntries } from './dead-letter-source.ts';
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
      const batches = batchesIn(ledger?.deadLetterBatches ?? [], range.after, range.to);
      const all = await deadLetterEntries(dependencies.objects, batches, deadline);
      const inRange = all.filter(
        ({ position }) => isAfter(position, range.after) && !isAfter(position, range.to),
      );
      const absences = absencesOf(pipeline, range.partition, expired);
      const spared = new SparedSegments(range.after);
      const entries: Entry[] = [];
      for (const entry of inRange) {
        const isSpared = absenceOf(absences, entry) !== undefined;
        spared.add(entry.position, isSpared);
        if (!isSpared) entries.push(entry);
      }
      assertFewSpared(range.partition, spared.tooMany);
      const deadLetters = messagesOf(entries);
      return {
        ...range,
        deadLetters,
        spared: messagesOf(inRange) - deadLetters,
        segments: without(range, spared.segments),
        first: entries[0] && formatPosition(entries[0].position),
        leftOut: deadLetters === 0 ? 'it has no dead letters' : undefined,
      };
    }),
  );
  return { request, ranges: planned };
}

function messagesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { messages }) => sum + messages, 0);
}
