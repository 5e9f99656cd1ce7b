import pLimit from 'p-limit';
import { isPulsehouseError, PulsehouseError } from '../../pipeline/errors.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import { partitionsOf, type ReplayRange, type ReplayRecord } from '../../pipeline/replay.ts';
import { assertSameExclusions, exclusionsDigest } from '../comparison/absence.ts';
import { type DeadLetterIndex, knownDeadLetters } from '../comparison/known-dead-letters.ts';
import type { PartitionLedger } from '../comparison/ledger.ts';
import type { Segment } from '../comparison/segments.ts';
import { outliveForgottenTokens } from '../earlier-writers.ts';
import { operationId } from '../journal.ts';
import { readUnfinished } from '../unfinished.ts';
import { formatBound } from './bound.ts';
import { boundedTransport } from './bounded-transport.ts';
import { type Conclusion, conclude } from './conclude.ts';
import { letterTransport, onlyRowsOf } from './dead-letter-source.ts';
import { LetterTopic } from './letter-topic.ts';
import { isOwnTable, type PlanDependencies, type ReplayRequest, readLedgers } from './plan.ts';
import {
  type PartitionReplayResult,
  type ReplaySource,
  type ReplayTarget,
  replayPartition,
} from './replay-partition.ts';
import { settlingSink } from './settling-sink.ts';

export interface ReplayRun {
  /** Unique for each invocation. */
  readonly owner: string;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  readonly stop?: AbortSignal;
  /** Only these, where each has an invocation of its own; all of them when left out. */
  readonly partitions?: readonly number[] | undefined;
  readonly onProgress?: (partition: number, result: PartitionReplayResult) => void;
}

export interface ReplayProgress extends Conclusion {
  readonly partitions: readonly (PartitionReplayResult & { readonly partition: number })[];
}

/** What of a plan is written down. */
export interface StartedPlan {
  readonly request: ReplayRequest;
  /** Those with a reason to be left out are; of the others the segments, or the whole where none are named. */
  readonly ranges: readonly (ReplayRange & {
    readonly leftOut?: string | undefined;
    readonly segments?: readonly Segment[] | undefined;
  })[];
}

const PARTITIONS_AT_ONCE = 4;
/** So many are written and read as one object of a few megabytes. */
const MOST_RANGES = 100_000;
const REPLAYS_CONSIDERED = 100;
/** How soon whoever works on a replay notices that it was cancelled, ms. */
const LOOK_EVERY = 3_000;

/**
 * Writes down what is to be done; from here on any invocation can carry it on.
 * @throws PulsehouseError PH_REPLAY_BUSY while another one of the pipeline runs, PH_NOT_PAUSED, PH_RANGE_INVALID,
 * PH_RESET_UNFINISHED while positions and rows are being moved.
 */
export async function startReplay(
  dependencies: PlanDependencies,
  plan: StartedPlan,
  requestedBy: string,
  deadline: number,
): Promise<ReplayRecord> {
  const { pipeline, replays, environment } = dependencies;
  const { request, ranges } = plan;
  if (request.mode === 'verify') throw new PulsehouseError('PH_INVARIANT', 'a comparison is no replay');
  await assertNoneRuns(dependencies, undefined, deadline);
  if (isOwnTable(pipeline, request)) await assertNothingMoves(dependencies, deadline);
  if (request.mode === 'replace') await assertPaused(dependencies, deadline);
  if (isOwnTable(pipeline, request)) await outliveForgottenTokens(dependencies, deadline);
  const record: ReplayRecord = {
    pipeline: pipeline.name,
    id: operationId(environment.now(), environment.uniqueId()),
    mode: request.mode,
    target: request.target,
    from: formatBound(request.from),
    to: formatBound(request.to),
    ranges: ranges
      .filter(({ leftOut }) => leftOut === undefined)
      .flatMap(({ partition, after, to, segments }) =>
        (segments ?? [{ after, to }]).map((segment) => ({
          partition,
          after: segment.after,
          to: segment.to,
        })),
      ),
    exclusions: exclusionsDigest(pipeline),
    requestedBy,
    requestedAt: environment.now(),
    status: 'running',
    finishedAt: undefined,
  };
  if (record.ranges.length > MOST_RANGES) throw tooManyRanges(pipeline, record.ranges.length);
  await replays.createReplay(record, deadline);
  try {
    // Of two that were begun at once neither may think itself alone: each looks once more after it can be seen.
    await assertNoneRuns(dependencies, record.id, deadline);
    if (isOwnTable(pipeline, record)) await assertNothingMoves(dependencies, deadline);
  } catch (error) {
    // Without an answer nothing is known against it, and whoever looks may have carried it on already (seed 47029).
    if (isInTheWay(error))
      await replays.endReplay(pipeline.name, record.id, 'cancelled', environment.now(), deadline);
    throw error;
  }
  return record;
}

function isInTheWay(error: unknown): boolean {
  if (!isPulsehouseError(error)) return false;
  return error.code === 'PH_REPLAY_BUSY' || error.code === 'PH_RESET_UNFINISHED';
}

async function assertNoneRuns(
  { pipeline, replays }: PlanDependencies,
  own: string | undefined,
  deadline: number,
): Promise<void> {
  const found = await replays.readReplays(pipeline.name, REPLAYS_CONSIDERED, deadline);
  const running = found.find(({ status, id }) => status === 'running' && id !== own);
  if (!running) return;
  throw new PulsehouseError('PH_REPLAY_BUSY', `replay ${running.id} (${running.mode}) is still running`, {
    nextStep: `Carry it on with \`pulsehouse replay --continue ${running.id}\`, or give it up with --cancel.`,
  });
}

/** What is moved by hand was planned without the rows of this replay, and this replay without the move. */
async function assertNothingMoves(dependencies: PlanDependencies, deadline: number): Promise<void> {
  const [first] = await readUnfinished(dependencies, deadline);
  if (!first) return;
  throw new PulsehouseError(
    'PH_RESET_UNFINISHED',
    `${first.kind} ${first.id} by ${first.by} is not finished`,
    {
      where: { pipeline: dependencies.pipeline.name },
    },
  );
}

/**
 * Carries a replay on until it is done, stopped, ended by somebody else, or out of time. May be called again, and by
 * several at once: whoever comes second to a partition is told that it is busy.
 */
export async function advanceReplay(
  dependencies: PlanDependencies,
  { id }: Pick<ReplayRecord, 'id'>,
  target: ReplayTarget,
  run: ReplayRun,
): Promise<ReplayProgress> {
  const record = await findReplay(dependencies, id, run.deadline);
  if (record.status !== 'running') return { record, done: true, partitions: [] };
  assertSameExclusions(dependencies.pipeline, record);
  if (record.mode === 'replace') await assertPaused(dependencies, run.deadline);
  const over = new AbortController();
  const watching = noticeEnd(dependencies, record, over);
  const stop = run.stop ? AbortSignal.any([run.stop, over.signal]) : over.signal;
  const partitions = await goThroughPartitions(dependencies, record, target, { ...run, stop }).finally(
    async () => {
      over.abort();
      await watching;
    },
  );
  return { partitions, ...(await conclude(dependencies, record, run.deadline)) };
}

/** Those that can be carried on are, even where one of them fails: nothing is left half done for another's sake. */
export async function goThroughPartitions(
  dependencies: PlanDependencies,
  record: ReplayRecord,
  target: ReplayTarget,
  run: ReplayRun,
): Promise<ReplayProgress['partitions']> {
  const { environment } = dependencies;
  const mine = partitionsOf(record).filter((partition) => run.partitions?.includes(partition) ?? true);
  const ledgers = await readLedgers(dependencies, mine, run.deadline, record.id);
  const limit = pLimit(PARTITIONS_AT_ONCE);
  const results = await Promise.allSettled(
    mine.map((partition) =>
      limit(async () => {
        const ledger = ledgers.find((known) => known.state.partition === partition);
        if (!ledger) throw new PulsehouseError('PH_STATE_MISSING', `partition ${partition} has no state`);
        const result = await replayPartition(dependencies, {
          record,
          partition,
          sourceOf: (range) => sourceOf(dependencies, record, range, ledger, target, run.deadline),
          table: target.table,
          owner: `${run.owner}/${environment.uniqueId()}`,
          deadline: run.deadline,
          ...(run.stop && { stop: run.stop }),
        });
        run.onProgress?.(partition, result);
        return { partition, ...result };
      }),
    ),
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

/** Stops the work soon after the replay was cancelled, or completed by somebody else. */
async function noticeEnd(
  { replays, pipeline, environment, log }: PlanDependencies,
  { id }: ReplayRecord,
  over: AbortController,
): Promise<void> {
  for (;;) {
    await environment.sleep(LOOK_EVERY, over.signal);
    if (over.signal.aborted) return;
    try {
      const found = await replays.readReplay(pipeline.name, id, environment.now() + LOOK_EVERY);
      if (found?.status !== 'running') over.abort();
    } catch (error) {
      log.debug('whether the replay was cancelled could not be asked', { error });
    }
  }
}

/** @throws PulsehouseError PH_REPLAY_NOT_FOUND */
export async function findReplay(
  { replays, pipeline }: Pick<PlanDependencies, 'replays' | 'pipeline'>,
  id: string,
  deadline: number,
): Promise<ReplayRecord> {
  const record = await replays.readReplay(pipeline.name, id, deadline);
  if (record) return record;
  throw new PulsehouseError('PH_REPLAY_NOT_FOUND', `pipeline ${pipeline.name} has no replay ${id}`);
}

/**
 * Where the messages come from and what of the table counts. Whatever the mode, no batch is inserted before the table was
 * asked for its rows: that alone makes a repair insert only what is missing, and every other mode safe to begin twice.
 */
async function sourceOf(
  dependencies: PlanDependencies,
  { mode }: ReplayRecord,
  range: ReplayRange,
  { deadLetterSources }: PartitionLedger,
  target: ReplayTarget,
  deadline: number,
): Promise<ReplaySource> {
  const { transport, environment } = dependencies;
  if (mode === 'redrive') {
    const letters = await LetterTopic.read(dependencies, deadLetterSources, range, deadline);
    return {
      transport: letterTransport(transport, letters, environment),
      sink: settlingSink(onlyRowsOf(target.sink, letters), NO_DEAD_LETTERS),
    };
  }
  const known =
    mode === 'repair'
      ? await knownDeadLetters(dependencies, deadLetterSources, range, deadline)
      : NO_DEAD_LETTERS;
  return {
    transport: boundedTransport(transport, range.to, environment),
    sink: settlingSink(target.sink, known),
  };
}

const NO_DEAD_LETTERS: DeadLetterIndex = new Map();

async function assertPaused({ state, pipeline }: PlanDependencies, deadline: number): Promise<void> {
  const cycle = await state.readCycle(pipeline.name, deadline);
  if (cycle?.paused) return;
  throw new PulsehouseError('PH_NOT_PAUSED', 'rows are replaced only while the pipeline is paused', {
    where: { pipeline: pipeline.name },
  });
}

function tooManyRanges({ name }: Pipeline, ranges: number): PulsehouseError {
  return new PulsehouseError(
    'PH_RANGE_INVALID',
    `what is to be gone through lies in ${ranges} separate stretches, and ${MOST_RANGES} are the most`,
    {
      where: { pipeline: name },
      nextStep: 'Give a narrower range or fewer partitions, and the rest afterwards.',
    },
  );
}
