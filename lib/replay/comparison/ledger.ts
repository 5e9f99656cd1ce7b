import type { BatchRecord, PartitionState } from '../../pipeline/partition-state.ts';
import { comparePositions, earlierOf, isAfter, LAST_OF_ALL, type Position } from '../../pipeline/position.ts';
import { type ReplayRecord, rangesOf, replayScope } from '../../pipeline/replay.ts';
import type { StateStore } from '../../ports/state-store.ts';
import type { Journal, ResetPartition } from '../journal.ts';
import type { DeadLetterSource } from './dead-letters-in.ts';
import type { Segment } from './segments.ts';

/** What a comparison needs of a batch. */
export type ReadBatch = Pick<BatchRecord, 'after' | 'to' | 'rows' | 'messages' | 'publishedUpTo'>;

/** Everything that is known of what was read of one partition into one table. */
export interface PartitionLedger {
  readonly state: PartitionState;
  /** Below it nothing was ever read. */
  readonly origin: Position;
  /** Committed batches, in order of position, without what a reset or a replace made void. */
  readonly batches: readonly ReadBatch[];
  /** Where the dead letters that count are named. */
  readonly deadLetterSources: readonly DeadLetterSource[];
  /** Passed over on purpose by a reset to a later position. */
  readonly skipped: readonly { readonly after: Position; readonly to: Position }[];
}

export interface LedgerSources {
  readonly store: StateStore;
  readonly journal: Journal;
  /** Replays into the pipeline's own table. */
  readonly replays: readonly ReplayRecord[];
}

/** Joins the generations of a partition, the newest first: each counts up to where the one after it began. */
export async function readLedger(
  sources: LedgerSources,
  state: PartitionState,
  deadline: number,
): Promise<PartitionLedger> {
  const { pipeline, partition } = state;
  const skipped: { after: Position; to: Position }[] = [];
  const { committed, generation } = state;
  const current = await sources.store.readBatches(pipeline, partition, generation, deadline);
  let { origin } = state;
  let batches = withExpired({ after: origin, to: committed }, state.totals, upTo(current, committed));
  let deadLetterSources = [sourceOf(state, current, committed)];
  let bound = LAST_OF_ALL;
  let joined = false;
  const resets = resetsOf(sources.journal, partition, generation);
  for (const reset of resets) {
    const to = earlierOf(reset.to, reset.from);
    const older = await sources.store.readBatches(pipeline, partition, reset.fromGeneration, deadline);
    bound = earlierOf(bound, to);
    deadLetterSources.push(sourceOf({ pipeline, partition, generation: reset.fromGeneration }, older, bound));
    // Of those before it only the dead letters are still to be told apart.
    if (joined) continue;
    if (isAfter(reset.to, reset.from)) skipped.push({ after: reset.from, to: reset.to });
    const kept = withExpired({ after: reset.origin, to }, reset.kept, [...upTo(older, to), ...cutOf(reset)]);
    batches = [...kept, ...batches];
    origin = reset.origin;
    joined = reset.joined;
  }
  for (const replay of sources.replays.toReversed()) {
    const ranges = rangesOf(replay, partition);
    if (ranges.length === 0) continue;
    const own = await sources.store.readBatches(replayScope(pipeline), partition, replay.id, deadline);
    const later = lowest(resets.filter(({ at }) => at > replay.requestedAt));
    const gone = below(goneThrough(replay, ranges, own), later?.to);
    const outside = (batch: ReadBatch) =>
      gone.every(
        ({ after, to }) => comparePositions(batch.to, after) <= 0 || comparePositions(batch.after, to) >= 0,
      );
    if (replay.mode === 'replace') {
      const whole = later ? upTo(own, later.to) : own;
      const cut = later && isCut(own, later.to) ? cutOf(later) : [];
      batches = inOrder([...batches.filter(outside), ...whole, ...cut]);
    }
    if (replay.mode === 'replace' || replay.mode === 'redrive') {
      deadLetterSources = deadLetterSources.map((source) => decidedAnew(source, gone));
    }
    const scope = { pipeline: replayScope(pipeline), partition, generation: replay.id };
    deadLetterSources.push(sourceOf(scope, own, later?.to ?? LAST_OF_ALL));
  }
  return { state, origin, batches, deadLetterSources, skipped };
}

function sourceOf(
  { pipeline, partition, generation }: Pick<DeadLetterSource, 'pipeline' | 'partition' | 'generation'>,
  records: readonly BatchRecord[],
  upTo: Position,
): DeadLetterSource {
  return { pipeline, partition, generation, upTo, records, decidedAnew: [] };
}

function decidedAnew(source: DeadLetterSource, where: readonly Segment[]): DeadLetterSource {
  return { ...source, decidedAnew: [...source.decidedAnew, ...where] };
}

/** Of one that was given up, or still runs, only what it came to: above that everything is as it was. */
function goneThrough(
  { status }: ReplayRecord,
  ranges: readonly Segment[],
  own: readonly BatchRecord[],
): readonly Segment[] {
  if (status === 'complete') return ranges;
  const reached = own.at(-1)?.to;
  if (!reached) return [];
  return ranges
    .filter(({ after }) => isAfter(reached, after))
    .map(({ after, to }) => ({ after, to: isAfter(to, reached) ? reached : to }));
}

/** What lies above a reset's position was read again since, whatever a replay before it had made of it. */
function below(segments: readonly Segment[], to: Position | undefined): readonly Segment[] {
  if (!to) return segments;
  return segments
    .filter(({ after }) => isAfter(to, after))
    .map((segment) => ({ after: segment.after, to: isAfter(segment.to, to) ? to : segment.to }));
}

function isCut(batches: readonly BatchRecord[], at: Position): boolean {
  return batches.some(({ after, to }) => isAfter(to, at) && isAfter(at, after));
}

/** The lower part of the batch that a reset cut in two, as the reset counted it. */
function cutOf({ cut, to }: ResetPartition): readonly ReadBatch[] {
  return cut ? [{ ...cut, to, publishedUpTo: 0 }] : [];
}

function lowest(resets: readonly DatedReset[]): DatedReset | undefined {
  return resets.toSorted((a, b) => comparePositions(a.to, b.to))[0];
}

/** What expired from the ledger is still in the totals: as one batch, from the beginning to the first that is left. */
function withExpired(
  whole: Segment,
  totals: { readonly rows: number; readonly messages: number },
  batches: readonly ReadBatch[],
): readonly ReadBatch[] {
  const to = batches[0]?.after ?? whole.to;
  if (!isAfter(to, whole.after)) return batches;
  const left = (count: (batch: ReadBatch) => number) => batches.reduce((sum, batch) => sum + count(batch), 0);
  const expired: ReadBatch = {
    after: whole.after,
    to,
    rows: totals.rows - left((batch) => batch.rows),
    messages: totals.messages - left((batch) => batch.messages),
    publishedUpTo: 0,
  };
  return [expired, ...batches];
}

function upTo(batches: readonly BatchRecord[], committed: Position): readonly BatchRecord[] {
  return batches.filter((batch) => !isAfter(batch.to, committed));
}

/** `at`: milliseconds since the epoch. */
type DatedReset = ResetPartition & { readonly at: number };

/**
 * The resets that led to `generation`, newest first: by what each ended and began, since those who made them may have had
 * clocks that differ (seed 179754).
 */
function resetsOf(journal: Journal, partition: number, generation: string): readonly DatedReset[] {
  const beginning = new Map<string, DatedReset>();
  for (const operation of journal.operations) {
    if (operation.kind !== 'reset') continue;
    const mine = operation.partitions.find((part) => part.partition === partition);
    if (mine) beginning.set(mine.toGeneration, { ...mine, at: operation.at });
  }
  const found: DatedReset[] = [];
  for (let reset = beginning.get(generation); reset; reset = beginning.get(reset.fromGeneration)) {
    found.push(reset);
    beginning.delete(reset.toGeneration);
  }
  return found;
}

function inOrder(batches: readonly ReadBatch[]): readonly ReadBatch[] {
  return batches.toSorted((a, b) => comparePositions(a.after, b.after));
}

/** The batches that touch `(after, to]`. */
export function batchesIn(
  batches: readonly ReadBatch[],
  after: Position,
  to: Position,
): readonly ReadBatch[] {
  return batches.filter((batch) => isAfter(batch.to, after) && isAfter(to, batch.after));
}
