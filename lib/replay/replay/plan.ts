import pLimit from 'p-limit';
import { PulsehouseError } from '../../pipeline/errors.ts';
import { assertOwnTopic } from '../../pipeline/own-topic.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import { isAfter, laterOf } from '../../pipeline/position.ts';
import {
  partitionsOf,
  type ReplayMode,
  type ReplayRange,
  type ReplayRecord,
  rangesOf,
} from '../../pipeline/replay.ts';
import type { ReplayStore } from '../../ports/replay-store.ts';
import { type Absences, absencesOf, expiredBefore } from '../comparison/absence.ts';
import { batchesIn, type PartitionLedger, type ReadBatch, readLedger } from '../comparison/ledger.ts';
import { type MissingSegment, MOST_SEGMENTS, worthReading } from '../comparison/missing-segments.ts';
import { type Segment, without } from '../comparison/segments.ts';
import { assertFewSpared } from '../comparison/spared-segments.ts';
import { type VerifyResult, verifyRange } from '../comparison/verify.ts';
import type { ReplayDependencies, Watch } from '../dependencies.ts';
import { readJournal } from '../journal.ts';
import { readTold } from '../reset/told.ts';
import { unknownPartition } from '../unknown-partition.ts';
import { type Bound, formatBound } from './bound.ts';
import { resolveRange } from './range.ts';
import type { ReplayTarget } from './replay-partition.ts';

export interface PlanDependencies extends ReplayDependencies {
  readonly replays: ReplayStore;
}

export interface ReplayRequest {
  readonly mode: ReplayMode | 'verify';
  readonly from: Bound;
  readonly to: Bound;
  /** All of them when left out. */
  readonly partitions?: readonly number[] | undefined;
  /** Where rows are looked for and written. */
  readonly target: Pipeline['target'];
}

export interface PlannedRange extends ReplayRange {
  readonly found: VerifyResult;
  /** What of the range is gone through: all but what may rightly be gone; in a repair only where rows are missing. */
  readonly segments: readonly Segment[];
  /** Why this partition is left out; undefined when it is gone through. */
  readonly leftOut: string | undefined;
  /** Pulsar was told to forget some of it: only the topic's retention policy keeps that until it is written again. */
  readonly onlyRetained: boolean;
}

/** What a replay would do, and what stands there now. Making it changes nothing. */
export interface ReplayPlan {
  readonly request: ReplayRequest;
  readonly ranges: readonly PlannedRange[];
  readonly entries: number;
  readonly messages: number;
  readonly bytes: number;
  readonly missing: number;
  /** Rows gone rightly, by the table's TTL and by recorded deletions: no replay brings them back. */
  readonly expired: number;
  readonly excluded: number;
  readonly doubled: number;
  readonly foreign: number;
  /** Messages that Pulsar no longer has. */
  readonly forgotten: number;
  /** From how long the comparison took. */
  readonly estimatedSeconds: number;
}

const PARTITIONS_AT_ONCE = 4;
const REPLAYS_CONSIDERED = 1_000;
/** A repair reads once more and asks; writing a range takes the server's time too. */
const SLOWER: Readonly<Record<ReplayRequest['mode'], number>> = {
  verify: 1,
  repair: 2,
  redrive: 2,
  replace: 3,
  into: 3,
};

/**
 * Resolves the range and compares it with the target, partition by partition.
 * @throws PulsehouseError PH_RANGE_INVALID, PH_SNAPSHOT_MISSING, PH_STATE_MISSING.
 */
export async function planReplay(
  dependencies: PlanDependencies,
  request: ReplayRequest,
  target: ReplayTarget,
  watch: Watch,
): Promise<ReplayPlan> {
  const { environment } = dependencies;
  const begun = environment.now();
  // The horizon is that of the pipeline's own table; another one keeps its rows as long as it likes.
  const expired = isOwnTable(dependencies.pipeline, request)
    ? expiredBefore(dependencies.pipeline, begun)
    : undefined;
  const ledgers = await readLedgers(dependencies, request.partitions, watch.deadline);
  const ranges = await resolveRange(dependencies, request, ledgers, watch.deadline);
  const told = await readTold(dependencies, watch.deadline);
  const planned = await pLimit(PARTITIONS_AT_ONCE).map([...ranges], async (range) => {
    const ledger = ledgers.find(({ state }) => state.partition === range.partition);
    if (!ledger) throw unknownPartition(dependencies.pipeline, range.partition);
    const absences = absencesOf(dependencies.pipeline, range.partition, expired);
    const found = await compare({ ...dependencies, ...target }, ledger, range, request, absences, watch);
    if (request.mode !== 'verify') assertFewSpared(range.partition, found.sparedTooMany);
    return {
      ...range,
      found,
      leftOut: reasonToLeaveOut(request.mode, range, found),
      onlyRetained: isAfter(told(ledger.state), range.after),
      segments: segmentsFor(request.mode, found, ranges.length),
    };
  });
  const sum = (count: (found: VerifyResult) => number) =>
    planned.reduce((total, { found }) => total + count(found), 0);
  return {
    request,
    ranges: planned,
    entries: sum((found) => found.entries),
    messages: sum((found) => found.messages),
    bytes: sum((found) => found.bytes),
    missing: sum((found) => found.missing),
    expired: sum((found) => found.expired),
    excluded: sum((found) => found.excluded),
    doubled: sum((found) => found.doubled),
    foreign: sum((found) => found.foreign),
    forgotten: sum((found) => found.forgotten?.messages ?? 0),
    estimatedSeconds: Math.ceil(
      ((environment.now() - begun) / 1000) * SLOWER[request.mode] * shareRead(request.mode, planned),
    ),
  };
}

/** Compares what a replay went through with the table as it is now. */
export async function compareRanges(
  dependencies: PlanDependencies,
  record: ReplayRecord,
  target: ReplayTarget,
  watch: Watch,
): Promise<Pick<ReplayPlan, 'messages' | 'missing' | 'doubled' | 'foreign'>> {
  const { pipeline } = dependencies;
  const expired = isOwnTable(pipeline, record) ? expiredBefore(pipeline, record.requestedAt) : undefined;
  const ledgers = await readLedgers(dependencies, partitionsOf(record), watch.deadline);
  const ranges = ledgers.flatMap((ledger) => {
    const own = rangesOf(record, ledger.state.partition);
    return (record.mode === 'repair' ? wholeBatches(own, ledger.batches) : own).map((range) => ({
      ledger,
      range,
    }));
  });
  const found = await pLimit(PARTITIONS_AT_ONCE).map(ranges, ({ ledger, range }) => {
    const absences = absencesOf(pipeline, ledger.state.partition, expired);
    return compare({ ...dependencies, ...target }, ledger, range, { mode: 'verify' }, absences, watch);
  });
  const sum = (count: (one: VerifyResult) => number) => found.reduce((total, one) => total + count(one), 0);
  return {
    messages: sum(({ messages }) => messages),
    missing: sum(({ missing }) => missing),
    doubled: sum(({ doubled }) => doubled),
    foreign: sum(({ foreign }) => foreign),
  };
}

/** What the ledger says of the part of a batch that Pulsar has forgotten can only be told when the rest was read. */
function wholeBatches(ranges: readonly ReplayRange[], batches: readonly ReadBatch[]): readonly ReplayRange[] {
  const whole: ReplayRange[] = [];
  for (const { partition, after, to } of ranges) {
    const touched = batchesIn(batches, after, to);
    const first = touched[0]?.after ?? after;
    const range = {
      partition,
      after: isAfter(after, first) ? first : after,
      to: laterOf(to, touched.at(-1)?.to ?? to),
    };
    const last = whole.at(-1);
    if (last && !isAfter(range.after, last.to))
      whole[whole.length - 1] = { ...last, to: laterOf(last.to, range.to) };
    else whole.push(range);
  }
  return whole;
}

/** All partitions together, and one each where there are more: a stretch costs a reader and a lease. */
const MOST_SEGMENTS_IN_ALL = 1_024;

function segmentsFor(
  mode: ReplayRequest['mode'],
  { after, to, missingIn, spared }: VerifyResult,
  partitions: number,
): readonly Segment[] {
  const wanted = mode === 'repair' ? toRepair(missingIn, partitions) : [{ after, to }];
  return wanted.flatMap((segment) => without(segment, spared));
}

function toRepair(missingIn: readonly MissingSegment[], partitions: number): readonly MissingSegment[] {
  return worthReading(Math.min(MOST_SEGMENTS, Math.floor(MOST_SEGMENTS_IN_ALL / partitions)), missingIn);
}

/** Entries that a repair goes through, of the partitions that are not left out. */
export function entriesToRepair(planned: readonly PlannedRange[]): number {
  return planned
    .filter(({ leftOut }) => leftOut === undefined)
    .flatMap(({ found }) => toRepair(found.missingIn, planned.length))
    .reduce((sum, { entries }) => sum + entries, 0);
}

function shareRead(mode: ReplayRequest['mode'], planned: readonly PlannedRange[]): number {
  if (mode !== 'repair') return 1;
  const all = planned.reduce((sum, { found }) => sum + found.entries, 0);
  return all === 0 ? 0 : entriesToRepair(planned) / all;
}

/** What is known of each partition named, or of all. `before`: as it was before that replay, by its id. */
export async function readLedgers(
  { state, replays, objects, pipeline }: Pick<PlanDependencies, 'state' | 'replays' | 'objects' | 'pipeline'>,
  partitions: readonly number[] | undefined,
  deadline: number,
  before?: string,
): Promise<readonly PartitionLedger[]> {
  const cycle = await state.readCycle(pipeline.name, deadline);
  if (!cycle)
    throw new PulsehouseError('PH_STATE_MISSING', `pipeline ${pipeline.name} was never initialised`);
  const unknown = partitions?.find((partition) => partition >= cycle.partitions);
  if (unknown !== undefined) throw unknownPartition(pipeline, unknown);
  const states = await state.readPartitions(pipeline.name, cycle.partitions, deadline);
  assertOwnTopic(pipeline, states);
  const records = await replays.readReplays(pipeline.name, REPLAYS_CONSIDERED, deadline);
  const journal = await readJournal(objects, pipeline.name, deadline);
  const counted = records.filter((record) => isOwnTable(pipeline, record) && record.id !== before);
  const sources = { store: state, journal, replays: counted };
  const wanted = states.filter(({ partition }) => partitions?.includes(partition) ?? true);
  return pLimit(PARTITIONS_AT_ONCE).map([...wanted], (found) => readLedger(sources, found, deadline));
}

export function isOwnTable(pipeline: Pipeline, { target }: Pick<ReplayRecord, 'target'>): boolean {
  return target.database === pipeline.target.database && target.table === pipeline.target.table;
}

/** In a table of its own a range is compared without the dead letters that only the pipeline's own table has. */
function compare(
  dependencies: ReplayDependencies,
  ledger: PartitionLedger,
  { partition, after, to }: ReplayRange,
  { mode }: Pick<ReplayRequest, 'mode'>,
  absences: Absences,
  watch: Watch,
): Promise<VerifyResult> {
  const deadLetterSources = mode === 'redrive' ? [] : ledger.deadLetterSources;
  const batches = batchesIn(ledger.batches, after, to);
  const { topic } = ledger.state;
  const request = { partition, topic, after, to, batches, deadLetterSources, absences };
  return verifyRange(dependencies, request, watch);
}

function reasonToLeaveOut(
  mode: ReplayRequest['mode'],
  range: ReplayRange,
  found: VerifyResult,
): string | undefined {
  const surplus = found.doubled + found.foreign;
  if (mode === 'repair') {
    if (surplus > 0)
      return `${surplus} rows too many: repair only inserts; --mode replace rewrites the range`;
    if (found.missing === (found.forgotten?.missing ?? 0)) return 'nothing is missing that Pulsar has';
  }
  if (mode !== 'verify' && without(range, found.spared).length === 0) {
    return 'all of it is expired or excluded, and no replay brings it back';
  }
  if (mode === 'into' && surplus > 0) return `${surplus} rows too many stand there: empty the range first`;
  if (mode === 'replace' && found.forgotten) {
    return `Pulsar no longer has ${found.forgotten.messages} messages of it: what is deleted could not be rewritten`;
  }
  return undefined;
}

export function describeRange({ from, to }: Pick<ReplayRequest, 'from' | 'to'>): string {
  return `${formatBound(from)} to ${formatBound(to)}`;
}
