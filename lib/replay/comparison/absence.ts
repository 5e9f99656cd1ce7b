import { createHash } from 'node:crypto';
import { PulsehouseError } from '../../pipeline/errors.ts';
import type { Exclusion, Pipeline } from '../../pipeline/pipeline.ts';
import { formatPosition, isAfter, type Position } from '../../pipeline/position.ts';
import type { ReplayRecord } from '../../pipeline/replay.ts';
import type { Segment } from './segments.ts';

/** Why rows may rightly be gone: a recorded deletion took them, or the table's TTL. */
export type Absence = 'excluded' | 'expired';

/** Which messages of one partition need have no rows. */
export interface Absences {
  /** Messages published before it (ms since the epoch) may be expired; undefined: none may. */
  readonly expiredBefore: number | undefined;
  /** Those that concern the partition. */
  readonly exclusions: readonly Exclusion[];
}

/** Every row must be there. */
export const NO_ABSENCES: Absences = Object.freeze({ expiredBefore: undefined, exclusions: [] });

/** The instant that the horizon says, of an audit or a replay planned `now`. */
export function expiredBefore({ audit }: Pick<Pipeline, 'audit'>, now: number): number | undefined {
  return audit.horizon === undefined ? undefined : now - audit.horizon;
}

export function absencesOf(
  { audit }: Pick<Pipeline, 'audit'>,
  partition: number,
  expired: number | undefined,
): Absences {
  return {
    expiredBefore: expired,
    exclusions: audit.exclusions.filter((exclusion) => (exclusion.partition ?? partition) === partition),
  };
}

/** Of one entry; a recorded deletion counts before the TTL. */
export function absenceOf(
  { exclusions, expiredBefore: before }: Absences,
  entry: { readonly position: Position; readonly publishTime: number },
): Absence | undefined {
  if (exclusions.some((exclusion) => names(exclusion, entry))) return 'excluded';
  return before !== undefined && entry.publishTime < before ? 'expired' : undefined;
}

function names(
  { positions, published }: Exclusion,
  { position, publishTime }: { readonly position: Position; readonly publishTime: number },
): boolean {
  if (positions) return isAfter(position, positions.after) && !isAfter(position, positions.to);
  return published !== undefined && publishTime >= published.from && publishTime <= published.to;
}

/** A batch of which only the ledger is left: what is known of when its messages were published, ms since the epoch. */
export interface BatchTimes extends Segment {
  /** The newest of them; 0 when nobody knows. */
  readonly publishedUpTo: number;
  /** The newest of the batch before it, and of the one behind it; undefined when nobody knows. */
  readonly publishedAfter: number | undefined;
  readonly publishedBefore: number | undefined;
}

const END_OF_TIME = Number.MAX_SAFE_INTEGER;

/**
 * Of a whole batch. `partly`: only some of its messages may be the ones, and which of its rows are gone cannot be told.
 * Publish times rise from batch to batch as far as producers' clocks agree.
 */
export function absenceOfBatch(
  { exclusions, expiredBefore: before }: Absences,
  batch: BatchTimes,
): { readonly absence: Absence; readonly partly: boolean } | undefined {
  const newest = batch.publishedUpTo > 0 ? batch.publishedUpTo : (batch.publishedBefore ?? END_OF_TIME);
  const oldest = Math.min(batch.publishedAfter ?? (batch.publishedUpTo > 0 ? newest : 0), newest);
  let touched = false;
  for (const { positions, published } of exclusions) {
    const holds = positions
      ? !isAfter(positions.after, batch.after) && !isAfter(batch.to, positions.to)
      : published !== undefined && published.from <= oldest && published.to >= newest;
    if (holds) return { absence: 'excluded', partly: false };
    touched ||= positions
      ? isAfter(batch.to, positions.after) && isAfter(positions.to, batch.after)
      : published !== undefined && published.from <= newest && published.to >= oldest;
  }
  if (touched) return { absence: 'excluded', partly: true };
  if (before === undefined) return undefined;
  if (newest < before) return { absence: 'expired', partly: false };
  return oldest < before ? { absence: 'expired', partly: true } : undefined;
}

/** Another one where a recorded deletion was added, changed or taken away. */
export function exclusionsDigest({ audit }: Pick<Pipeline, 'audit'>): string {
  return createHash('sha256').update(JSON.stringify(audit.exclusions)).digest('hex').slice(0, 16);
}

/** @throws PulsehouseError PH_REPLAY_OUTDATED: it might bring back what was deleted since it was planned. */
export function assertSameExclusions(
  pipeline: Pipeline,
  { id, exclusions }: Pick<ReplayRecord, 'id' | 'exclusions'>,
): void {
  if (exclusions === exclusionsDigest(pipeline)) return;
  throw new PulsehouseError(
    'PH_REPLAY_OUTDATED',
    `replay ${id} was planned with other recorded deletions than audit.exclusions names now`,
    { where: { pipeline: pipeline.name } },
  );
}

/**
 * What a reset of a partition back to `to` would read again although it was deleted on purpose, one sentence each. Of
 * publish times nobody knows where they lie before they are read.
 */
export function readAgain(
  { audit }: Pick<Pipeline, 'audit'>,
  { partition, from, to }: { readonly partition: number; readonly from: Position; readonly to: Position },
): readonly string[] {
  const { exclusions } = absencesOf({ audit }, partition, undefined);
  const touched = exclusions.filter(
    ({ positions }) => !positions || (isAfter(from, positions.after) && isAfter(positions.to, to)),
  );
  if (!isAfter(from, to)) return [];
  return touched.map(({ reason, positions, published }) => {
    const what = positions
      ? `(${formatPosition(positions.after)}, ${formatPosition(positions.to)}]`
      : `what was published from ${textOf(published?.from)} to ${textOf(published?.to)}, where that lies above ${formatPosition(to)},`;
    return `partition ${partition}: ${what} is read again although it was deleted ("${reason}"); delete those rows once more when the pipeline has caught up`;
  });
}

function textOf(time: number | undefined): string {
  return new Date(time ?? 0).toISOString();
}
