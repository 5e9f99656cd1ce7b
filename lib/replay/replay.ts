import pLimit from 'p-limit';
import { PulsehouseError } from '../pipeline/errors.ts';
import { type ReplayRange, type ReplayRecord, replayScope } from '../pipeline/replay.ts';
import type { Sink } from '../ports/sink.ts';
import type { Transport } from '../ports/transport.ts';
import { formatBound } from './bound.ts';
import { boundedTransport } from './bounded-transport.ts';
import { deadLetterEntries, entriesTransport, onlyRowsOf } from './dead-letter-source.ts';
import { operationId } from './journal.ts';
import { type DeadLetterIndex, knownDeadLetters } from './known-dead-letters.ts';
import { batchesIn, type PartitionLedger } from './ledger.ts';
import { type PlanDependencies, type ReplayRequest, readLedgers } from './plan.ts';
import {
  isDone,
  type PartitionReplayResult,
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
  /** Only this partition, where each has an invocation of its own. */
  readonly partition?: number | undefined;
  readonly onProgress?: (partition: number, result: PartitionReplayResult) => void;
}

export interface ReplayProgress {
  readonly record: ReplayRecord;
  readonly done: boolean;
  readonly partitions: readonly (PartitionReplayResult & { readonly partition: number })[];
}

/** What of a plan is written down. */
export interface StartedPlan {
  readonly request: ReplayRequest;
  /** Those with a reason to be left out are. */
  readonly ranges: readonly (ReplayRange & { readonly leftOut?: string | undefined })[];
}

const PARTITIONS_AT_ONCE = 4;

/**
 * Writes down what is to be done; from here on any invocation can carry it on.
 * @throws PulsehouseError PH_REPLAY_BUSY while another one of the pipeline runs, PH_NOT_PAUSED.
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
  const running = (await replays.readReplays(pipeline.name, 100, deadline)).find(
    ({ status }) => status === 'running',
  );
  if (running) {
    throw new PulsehouseError('PH_REPLAY_BUSY', `replay ${running.id} (${running.mode}) is still running`, {
      nextStep: `Carry it on with \`pulsehouse replay --continue ${running.id}\`, or give it up with --cancel.`,
    });
  }
  if (request.mode === 'replace') await assertPaused(dependencies, deadline);
  const record: ReplayRecord = {
    pipeline: pipeline.name,
    id: operationId(environment.now(), environment.uniqueId()),
    mode: request.mode,
    target: request.target,
    from: formatBound(request.from),
    to: formatBound(request.to),
    ranges: ranges
      .filter(({ leftOut }) => leftOut === undefined)
      .map(({ partition, after, to }) => ({ partition, after, to })),
    requestedBy,
    requestedAt: environment.now(),
    status: 'running',
    finishedAt: undefined,
  };
  await replays.createReplay(record, deadline);
  return record;
}

/** Carries a replay on until it is done, stopped or out of time. May be called again, and by several at once. */
export async function advanceReplay(
  dependencies: PlanDependencies,
  record: ReplayRecord,
  target: ReplayTarget,
  run: ReplayRun,
): Promise<ReplayProgress> {
  const { pipeline, replays, state, environment } = dependencies;
  if (record.mode === 'replace') await assertPaused(dependencies, run.deadline);
  const mine = record.ranges.filter(({ partition }) => partition === (run.partition ?? partition));
  const ledgers = await readLedgers(
    dependencies,
    mine.map(({ partition }) => partition),
    run.deadline,
    record.id,
  );
  const partitions = await pLimit(PARTITIONS_AT_ONCE).map([...mine], async (range) => {
    const ledger = ledgers.find(({ state: { partition } }) => partition === range.partition);
    if (!ledger) throw new PulsehouseError('PH_STATE_MISSING', `partition ${range.partition} has no state`);
    const source = await sourceOf(dependencies, record, range, ledger, target, run.deadline);
    const result = await replayPartition(
      { ...dependencies, ...source },
      {
        record,
        range,
        table: target.table,
        owner: `${run.owner}/${environment.uniqueId()}`,
        deadline: run.deadline,
        ...(run.stop && { stop: run.stop }),
      },
    );
    run.onProgress?.(range.partition, result);
    return { partition: range.partition, ...result };
  });
  const states = await Promise.all(
    record.ranges.map(({ partition }) =>
      state.readPartition(replayScope(pipeline.name), partition, run.deadline),
    ),
  );
  const done = record.ranges.every((range, index) => isDone(states[index], record, range));
  const stands = done
    ? await replays.endReplay(pipeline.name, record.id, 'complete', environment.now(), run.deadline)
    : undefined;
  return { record: stands ?? record, done, partitions };
}

/**
 * Gives a replay up. What it inserted stays; what it has in flight is settled first, so that nothing of it can arrive
 * later.
 */
export async function cancelReplay(
  dependencies: PlanDependencies,
  record: ReplayRecord,
  target: ReplayTarget,
  run: Pick<ReplayRun, 'owner' | 'deadline'>,
): Promise<ReplayRecord> {
  const { state, pipeline, replays, environment } = dependencies;
  for (const { partition } of record.ranges) {
    const found = await state.readPartition(replayScope(pipeline.name), partition, run.deadline);
    if (found?.generation !== record.id || found.inFlight.length === 0) continue;
    await advanceReplay(dependencies, record, target, { ...run, partition, stop: AbortSignal.abort() });
  }
  const stands = await replays.endReplay(
    pipeline.name,
    record.id,
    'cancelled',
    environment.now(),
    run.deadline,
  );
  return stands ?? record;
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
  { transport, objects, environment }: PlanDependencies,
  { mode }: ReplayRecord,
  { after, to }: ReplayRange,
  ledger: PartitionLedger,
  target: ReplayTarget,
  deadline: number,
): Promise<{ readonly transport: Transport; readonly sink: Sink }> {
  const deadLetterBatches = batchesIn(ledger.deadLetterBatches, after, to);
  if (mode === 'redrive') {
    const entries = await deadLetterEntries(objects, deadLetterBatches, deadline);
    return {
      transport: entriesTransport(transport, entries, environment),
      sink: settlingSink(onlyRowsOf(target.sink, entries), NO_DEAD_LETTERS),
    };
  }
  const known =
    mode === 'repair' ? await knownDeadLetters(objects, deadLetterBatches, deadline) : NO_DEAD_LETTERS;
  return {
    transport: boundedTransport(transport, to, environment),
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
