import type { BatchRecord, PartitionState } from '../../pipeline/partition-state.ts';
import {
  comparePositions,
  earlierOf,
  isAfter,
  LAST_OF_ALL,
  laterOf,
  type Position,
} from '../../pipeline/position.ts';
import { type ReplayRecord, rangesOf, replayScope } from '../../pipeline/replay.ts';
import type { StateStore } from '../../ports/state-store.ts';
import type { Journal, ResetPartition } from '../journal.ts';
import type { DeadLetterSource } from './dead-letters-in.ts';
import { cutsOf, type LedgerPart, type LedgerScope, readPart, readWholePart } from './ledger-part.ts';
import type { Segment } from './segments.ts';

/** What a comparison needs of a batch. */
export type ReadBatch = Pick<BatchRecord, 'after' | 'to' | 'rows' | 'messages' | 'publishedUpTo'> &
  // Unknown of what only the sums are left of.
  Partial<Pick<BatchRecord, 'filtered' | 'condition'>>;

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

/**
 * Joins the generations of a partition, the newest first: each counts up to where the one after it began. `within`: only what
 * touches it is read; of other batches nothing can be said then.
 */
export async function readLedger(
  sources: LedgerSources,
  state: PartitionState,
  deadline: number,
  within?: Segment,
): Promise<PartitionLedger> {
  const { pipeline, partition } = state;
  const read = (scope: LedgerScope, to: Position, range = within) =>
    range
      ? readPart(sources.store, scope, range, to, deadline)
      : readWholePart(sources.store, scope, to, deadline);
  const skipped: { after: Position; to: Position }[] = [];
  const { committed, generation } = state;
  const current = await read(state, committed);
  let { origin } = state;
  let batches = withExpired({ after: origin, to: committed }, state.totals, current, committed);
  let deadLetterSources = [sourceOf(state, current.records, committed)];
  let bound = LAST_OF_ALL;
  let joined = false;
  const resets = resetsOf(sources.journal, partition, generation);
  for (const reset of resets) {
    const to = earlierOf(reset.to, reset.from);
    const scope = { pipeline, partition, generation: reset.fromGeneration };
    const older = await read(scope, to);
    bound = earlierOf(bound, to);
    deadLetterSources.push(sourceOf(scope, older.records, bound));
    // Of those before it only the dead letters are still to be told apart.
    if (joined) continue;
    if (isAfter(reset.to, reset.from)) skipped.push({ after: reset.from, to: reset.to });
    const kept = withExpired({ after: reset.origin, to }, reset.kept, older, to, cutOf(reset));
    batches = [...kept, ...batches];
    origin = reset.origin;
    joined = reset.joined;
  }
  for (const replay of sources.replays.toReversed()) {
    const ranges = rangesOf(replay, partition);
    if (ranges.length === 0) continue;
    const scope = { pipeline: replayScope(pipeline), partition, generation: replay.id };
    // How far one came that was given up, or still runs, its last batch says.
    const isWhole = replay.status !== 'complete' || replay.mode === 'replace';
    const { records: own } = isWhole
      ? await readWholePart(sources.store, scope, LAST_OF_ALL, deadline)
      : await read(scope, LAST_OF_ALL);
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
    deadLetterSources.push(sourceOf(scope, own, later?.to ?? LAST_OF_ALL));
  }
  return { state, origin, batches, deadLetterSources, skipped };
}

/** Batches compared at once: a few megabytes, however long the ledger of a partition is. */
export const BATCHES_AT_ONCE = 5_000;

/**
 * `(after, to]` in pieces of whole batches. Not where a replace wrote batches of its own over others: those may lie across
 * any end that the others have.
 */
export async function piecesOf(
  { store, replays }: LedgerSources,
  state: PartitionState,
  segment: Segment,
  deadline: number,
): Promise<readonly Segment[]> {
  const isReplaced = replays.some(
    (replay) => replay.mode === 'replace' && rangesOf(replay, state.partition).length > 0,
  );
  if (isReplaced || state.seq <= BATCHES_AT_ONCE) return [segment];
  const inGeneration = { after: laterOf(segment.after, state.origin), to: segment.to };
  const cuts = await cutsOf(store, state, inGeneration, BATCHES_AT_ONCE, deadline);
  const ends = [...cuts, segment.to];
  return ends.map((to, index) => ({ after: ends[index - 1] ?? segment.after, to }));
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
  totals: LedgerPart['left'],
  { records, begins, left }: LedgerPart,
  bound: Position,
  cut: readonly ReadBatch[] = [],
): readonly ReadBatch[] {
  const batches = [...upTo(records, bound), ...cut];
  const to = begins ?? cut[0]?.after ?? whole.to;
  if (!isAfter(to, whole.after)) return batches;
  const cutOff = (count: (batch: ReadBatch) => number) => cut.reduce((sum, batch) => sum + count(batch), 0);
  const expired: ReadBatch = {
    after: whole.after,
    to,
    rows: totals.rows - left.rows - cutOff((batch) => batch.rows),
    messages: totals.messages - left.messages - cutOff((batch) => batch.messages),
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
