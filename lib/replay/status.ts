import { askEach, briefly, type Unanswered } from '../checkpoint/ask-each.ts';
import { readSnapshot } from '../checkpoint/snapshots.ts';
import type { CheckpointRecord } from '../pipeline/cycle-state.ts';
import { isPulsehouseError, PulsehouseError } from '../pipeline/errors.ts';
import { assertOwnTopic } from '../pipeline/own-topic.ts';
import type { FailedTries, Halt, PartitionState } from '../pipeline/partition-state.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { formatPosition, isAfter, type Position } from '../pipeline/position.ts';
import { makesNoProgress, nextTryOf } from '../pipeline/progress.ts';
import type { ReplayRecord } from '../pipeline/replay.ts';
import type { ViewGap } from '../pipeline/view-gaps.ts';
import type { Environment } from '../ports/environment.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { ReplayStore } from '../ports/replay-store.ts';
import type { StateStore } from '../ports/state-store.ts';
import type { Transport } from '../ports/transport.ts';
import { waitsFor } from './replay/carry-on.ts';
import { isDone, readStandings } from './replay/conclude.ts';
import { nextStepOf } from './replay/halts.ts';

export interface StatusDependencies {
  readonly pipeline: Pipeline;
  readonly transport: Transport;
  readonly state: StateStore;
  readonly replays: ReplayStore;
  readonly objects: ObjectStore;
  readonly environment: Environment;
}

export interface PartitionStatus {
  readonly partition: number;
  readonly topic: string;
  readonly committed: string;
  /** Up to where Pulsar was told to forget; undefined where the snapshot that says so cannot be read. */
  readonly acknowledged: string | undefined;
  /** Last entry of the topic partition; undefined where it did not answer. */
  readonly last: string | undefined;
  readonly drained: boolean;
  /** Entries between `committed` and `last`; undefined where that is unknown, or other ledgers lie between, which Pulsar alone could count. */
  readonly lagEntries: number | undefined;
  /** From the mean messages an entry so far, so an estimate. */
  readonly lagMessages: number | undefined;
  /** Age of what is committed, while there is something to read; 0 when drained. */
  readonly lagSeconds: number;
  readonly inFlight: number;
  readonly holder: string | undefined;
  readonly rows: number;
  readonly deadLetters: number;
  /** Messages without a value that were left out, since the generation began. */
  readonly filtered: number;
  readonly halted: Halt | undefined;
  /** Tries that failed since the last that made progress. */
  readonly failedTries: FailedTries | undefined;
  /** Of what is stored, what views of the table lack or may lack. */
  readonly viewGaps: readonly ViewGapLine[];
  /** Until when the cycles let it wait because its tries fail (ms since the epoch), unless another such one succeeds before. */
  readonly waitsUntil: number | undefined;
  /** There is something to store, and try after try fails. */
  readonly stuck: boolean;
}

export interface ViewGapLine extends Omit<ViewGap, 'after' | 'to'> {
  readonly after: string;
  readonly to: string;
}

export interface ReplayHalt extends Halt {
  readonly partition: number;
}

export interface ReplayStatusLine {
  readonly id: string;
  readonly mode: string;
  readonly target: string;
  readonly status: string;
  readonly requestedBy: string;
  readonly requestedAt: number;
  readonly partitions: number;
  readonly partitionsDone: number;
  readonly messages: number;
  /** Partitions somebody works on now. */
  readonly working: number;
  readonly halted: readonly ReplayHalt[];
  /** Partitions whose tries fail, one after the other. */
  readonly failing: readonly (FailedTries & { readonly partition: number })[];
  /** Why the schedule leaves all of it alone for now. */
  readonly waitsFor: string | undefined;
}

export interface UnknownPartition {
  readonly partition: number;
  readonly code: string;
  readonly message: string;
  readonly nextStep: string;
}

export interface PipelineStatus {
  readonly pipeline: string;
  readonly topic: string;
  readonly table: string;
  readonly paused: boolean;
  readonly checkpoint: number;
  readonly acknowledged: number;
  readonly drained: boolean;
  /** What could not be read, one sentence each; the rest is shown all the same. */
  readonly damages: readonly string[];
  readonly partitions: readonly PartitionStatus[];
  /** Partitions of which not all could be asked: the topic did not answer, or the state is gone or cannot be read. */
  readonly unknown: readonly UnknownPartition[];
  /** Newest first. */
  readonly checkpoints: readonly CheckpointRecord[];
  readonly replays: readonly ReplayStatusLine[];
}

const CHECKPOINTS_SHOWN = 5;
const REPLAYS_SHOWN = 5;
/** Part of the time in which the topic may answer for its partitions. */
const LOOKING_SHARE = 0.6;

/**
 * Where a pipeline stands, read without touching anything. Each partition by itself: one that cannot be asked is unknown,
 * and hides nothing of the others.
 * @throws PulsehouseError PH_STATE_MISSING
 */
export async function readStatus(
  dependencies: StatusDependencies,
  deadline: number,
): Promise<PipelineStatus> {
  const { pipeline, state, transport, environment } = dependencies;
  const cycle = await state.readCycle(pipeline.name, deadline);
  if (!cycle) {
    throw new PulsehouseError('PH_STATE_MISSING', `pipeline ${pipeline.name} was never initialised`, {
      where: { pipeline: pipeline.name },
    });
  }
  const [{ states, unreadable }, checkpoints, newest, acknowledged] = await Promise.all([
    state.readEachPartition(pipeline.name, cycle.partitions, deadline),
    state.readCheckpoints(pipeline.name, CHECKPOINTS_SHOWN, deadline),
    newestReplays(dependencies, deadline),
    acknowledgedPositions(dependencies, cycle.acknowledged, deadline),
  ]);
  assertOwnTopic(pipeline, states);
  const until = environment.now() + (deadline - environment.now()) * LOOKING_SHARE;
  const { answers, unanswered } = await askEach(environment, states, ({ topic }) =>
    briefly(environment, until, (tryUntil) => transport.lastPosition(topic, tryUntil)),
  );
  const now = environment.now();
  const partitions = states.map((state) =>
    partitionStatus(pipeline, state, answers.get(state.partition), acknowledged.positions, now),
  );
  const unread = [...unreadable, ...statesGone(pipeline.name, cycle.partitions, [...states, ...unreadable])];
  const unknown = [...unanswered, ...unread]
    .sort((a, b) => a.partition - b.partition)
    .map(({ partition, error: { code, message, nextStep } }) => ({ partition, code, message, nextStep }));
  return {
    pipeline: pipeline.name,
    topic: pipeline.topic,
    table: `${pipeline.target.database}.${pipeline.target.table}`,
    paused: cycle.paused,
    checkpoint: cycle.latest,
    acknowledged: cycle.acknowledged,
    drained: unknown.length === 0 && partitions.every((partition) => partition.drained),
    damages: [acknowledged.damage, newest.damage].flatMap((damage) => damage ?? []),
    partitions,
    unknown,
    checkpoints,
    replays: await Promise.all(
      newest.records.map((record) => replayStatus(dependencies, record, cycle.paused, deadline)),
    ),
  };
}

/** Ranges that are gone or altered hide nothing but the replays. */
async function newestReplays(
  { pipeline, replays }: StatusDependencies,
  deadline: number,
): Promise<{ readonly records: readonly ReplayRecord[]; readonly damage?: string }> {
  try {
    return { records: await replays.readReplays(pipeline.name, REPLAYS_SHOWN, deadline) };
  } catch (error) {
    if (!isPulsehouseError(error) || error.code !== 'PH_REPLAY_RANGES_LOST') throw error;
    const damage = `replays cannot be shown: ${error.message} (${error.code}). ${error.nextStep}`;
    return { records: [], damage };
  }
}

/** Partitions once taken in whose item is not there any more. */
function statesGone(
  pipeline: string,
  partitions: number,
  found: readonly { readonly partition: number }[],
): readonly Unanswered[] {
  const known = new Set(found.map(({ partition }) => partition));
  return Array.from({ length: partitions }, (_, partition) => partition)
    .filter((partition) => !known.has(partition))
    .map((partition) => ({
      partition,
      error: new PulsehouseError('PH_STATE_MISSING', `partition ${partition} of ${pipeline} has no state`),
    }));
}

interface Acknowledged {
  /** By partition; undefined where nobody can say. */
  readonly positions: ReadonlyMap<number, Position> | undefined;
  readonly damage: string | undefined;
}

/** What the acknowledged checkpoint's object says. One that is gone or damaged hides nothing else. */
async function acknowledgedPositions(
  { pipeline, objects }: StatusDependencies,
  checkpoint: number,
  deadline: number,
): Promise<Acknowledged> {
  if (checkpoint === 0) return { positions: new Map(), damage: undefined };
  try {
    const { snapshot } = await readSnapshot(objects, pipeline.name, checkpoint, deadline);
    const positions = snapshot.partitions.map(({ partition, committed }) => [partition, committed] as const);
    return { positions: new Map(positions), damage: undefined };
  } catch (error) {
    const isDamage =
      isPulsehouseError(error) &&
      (error.code === 'PH_SNAPSHOT_MISSING' || error.code === 'PH_SNAPSHOT_CORRUPT');
    if (!isDamage) throw error;
    const damage = `the acknowledged positions cannot be shown: ${error.message} (${error.code}). ${error.nextStep}`;
    return { positions: undefined, damage };
  }
}

function partitionStatus(
  pipeline: Pipeline,
  state: PartitionState,
  last: Position | undefined,
  acknowledged: Acknowledged['positions'],
  now: number,
): PartitionStatus {
  const { committed, topic, totals } = state;
  const held = state.owner !== undefined && state.leaseUntil > now;
  return {
    partition: state.partition,
    topic,
    committed: formatPosition(committed),
    acknowledged: acknowledged && formatPosition(acknowledged.get(state.partition) ?? state.origin),
    last: last && formatPosition(last),
    drained: last !== undefined && !isAfter(last, committed),
    ...lag(state, last, now),
    inFlight: state.inFlight.length,
    holder: held ? state.owner : undefined,
    rows: totals.rows,
    deadLetters: totals.deadLetters,
    filtered: totals.filtered,
    halted: state.halted,
    failedTries: state.failedTries,
    viewGaps: viewGapLines(state),
    waitsUntil: nextTryOf(state, pipeline.checkpoint.interval),
    stuck: makesNoProgress(state, last ?? committed),
  };
}

export function viewGapLines({ viewGaps }: PartitionState): readonly ViewGapLine[] {
  return (viewGaps ?? []).map(({ after, to, ...gap }) => ({
    ...{ after: formatPosition(after), to: formatPosition(to) },
    ...gap,
  }));
}

type Lag = Pick<PartitionStatus, 'lagEntries' | 'lagMessages' | 'lagSeconds'>;

function lag(
  { committed, committedPublishTime, totals }: PartitionState,
  last: Position | undefined,
  now: number,
): Lag {
  if (last === undefined) return { lagEntries: undefined, lagMessages: undefined, lagSeconds: 0 };
  if (!isAfter(last, committed)) return { lagEntries: 0, lagMessages: 0, lagSeconds: 0 };
  const lagEntries = last.ledger === committed.ledger ? last.entry - committed.entry : undefined;
  const messagesAnEntry = totals.entries > 0 ? totals.messages / totals.entries : undefined;
  const isKnown = lagEntries !== undefined && messagesAnEntry !== undefined;
  const behind = committedPublishTime === 0 ? 0 : now - committedPublishTime;
  return {
    lagEntries,
    lagMessages: isKnown ? Math.round(lagEntries * messagesAnEntry) : undefined,
    lagSeconds: Math.max(0, Math.round(behind / 1000)),
  };
}

async function replayStatus(
  { state, pipeline, environment }: StatusDependencies,
  record: ReplayRecord,
  paused: boolean,
  deadline: number,
): Promise<ReplayStatusLine> {
  const standings = await readStandings({ pipeline, state }, record, deadline);
  const own = standings.map(({ found }) => (found?.generation === record.id ? found : undefined));
  const isComplete = record.status === 'complete';
  const done = standings.filter((standing) => isComplete || isDone(standing, record));
  return {
    id: record.id,
    mode: record.mode,
    target: `${record.target.database}.${record.target.table}`,
    status: record.status,
    requestedBy: record.requestedBy,
    requestedAt: record.requestedAt,
    partitions: standings.length,
    partitionsDone: done.length,
    messages: own.reduce((sum, found) => sum + (found?.totals.messages ?? 0), 0),
    working: own.filter((found) => found?.owner && found.leaseUntil > environment.now()).length,
    waitsFor: record.status === 'running' ? waitsFor(pipeline, record, paused) : undefined,
    failing: own.flatMap((found) =>
      found?.failedTries && !found.halted && record.status === 'running'
        ? [{ ...found.failedTries, partition: found.partition }]
        : [],
    ),
    halted: own.flatMap((found) =>
      found?.halted && record.status === 'running'
        ? [{ ...found.halted, partition: found.partition, nextStep: nextStepOf(found.halted, record.id) }]
        : [],
    ),
  };
}
