import { cycleItem } from '../leases/items.ts';
import { whileRenewed } from '../leases/keep-renewed.ts';
import { type Lease, takeLease } from '../leases/lease.ts';
import type { CycleState } from '../pipeline/cycle-state.ts';
import { openCheckpoint } from '../pipeline/cycle-transitions.ts';
import { isPulsehouseError, PulsehouseError } from '../pipeline/errors.ts';
import { assertOwnTopic } from '../pipeline/own-topic.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import { acknowledge } from './acknowledge.ts';
import type { Unanswered } from './ask-each.ts';
import { awaitFlush, type Flushing, readEachState } from './await-flush.ts';
import { startConsumers } from './back-off.ts';
import { type CycleContext, type CycleDependencies, persistently } from './context.ts';
import { discoverPartitions } from './discover.ts';
import { findWork, type Work } from './fan-out.ts';
import { keepUnread } from './keep-unread.ts';
import { listRecentSnapshots, pruneSnapshots } from './snapshots.ts';
import { assertCovered, hasMoved, latestSnapshot, takeCheckpoint } from './take-checkpoint.ts';
import { Troubles } from './trouble.ts';

export type { CycleDependencies } from './context.ts';

export interface CycleRequest {
  /** Unique for each invocation. */
  readonly owner: string;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
}

export interface CycleResult {
  /** unchanged: nothing moved since the latest checkpoint, so none was taken. */
  readonly outcome: 'completed' | 'unchanged' | 'busy' | 'paused' | 'fenced';
  /** Newest complete checkpoint. */
  readonly checkpoint: number;
  readonly flushedMessages: number;
  readonly flushedRows: number;
  readonly acknowledgedMessages: number;
  /** Partitions a consumer was started for. */
  readonly invoked: readonly number[];
  /** Partitions whose tries fail, and for which none was started: they wait longer each time. */
  readonly waiting: readonly number[];
  /** Partitions that had not flushed in time, or did not answer. */
  readonly laggards: readonly number[];
  readonly halted: readonly number[];
  /** When the lease of whoever is at it runs out (ms since the epoch); with `busy` alone. */
  readonly busyUntil?: number;
  /** Partitions with something to store whose last try failed. */
  readonly failing: readonly number[];
}

/** A cycle's lease is renewed while it waits; a dead cycle's is taken over by the next tick. */
const LEASE = 20_000;
/** Part of the cycle's time kept for snapshot and acknowledgement after the wait for flushes. */
const CLOSING_SHARE = 0.3;

/**
 * One flush/ack cycle: discover, ask for a flush, start consumers, wait, snapshot, complete, acknowledge, prune. Killed
 * anywhere, the next one goes on: every step is idempotent and goes by what is durable. A partition that does not answer
 * stops none of the others: the cycle does all it can, and ends with that error.
 * @throws PulsehouseError retryable or in-doubt (the next tick goes on), or terminal.
 */
export async function runCycle(dependencies: CycleDependencies, request: CycleRequest): Promise<CycleResult> {
  const { pipeline, state, environment } = dependencies;
  const terms = { owner: request.owner, duration: LEASE, deadline: request.deadline };
  const taken = await takeLease(cycleItem(state, pipeline.name), terms, environment);
  if (!taken.taken) {
    if (taken.found) return { ...ended('busy', taken.found), busyUntil: taken.found.leaseUntil };
    throw new PulsehouseError('PH_STATE_MISSING', `pipeline ${pipeline.name} was never initialised`);
  }
  const { lease } = taken;
  try {
    const troubles = new Troubles();
    const context: CycleContext = { ...dependencies, lease, troubles, deadline: request.deadline };
    const result = await whileRenewed(dependencies, lease, LEASE, () =>
      lease.state.paused ? pausedTurn(context) : turn(context),
    );
    troubles.throwIfAny(pipeline.name);
    await lease.release();
    return result;
  } catch (error) {
    return await endedBy(error, dependencies, lease);
  }
}

/** Nothing is read or acknowledged; what arrives for halted partitions is kept all the same. */
async function pausedTurn(context: CycleContext): Promise<CycleResult> {
  const { states } = await readEachState(context);
  assertOwnTopic(context.pipeline, states);
  await keepUnread(context, haltedOf(states));
  return ended('paused', context.lease.state);
}

function haltedOf(states: readonly PartitionState[]): readonly PartitionState[] {
  return states.filter(({ halted }) => halted);
}

async function turn(context: CycleContext): Promise<CycleResult> {
  const { lease, pipeline, environment, objects, log, troubles } = context;
  await discoverPartitions(context);
  const { states, unreadable } = await readEachState(context);
  assertOwnTopic(pipeline, states);
  const gone = withoutState(context, states, unreadable);
  troubles.addAll(gone);
  const halted = haltedOf(states).map(({ partition }) => partition);
  const work = await findWork(context, states);
  // First of all: whatever else cannot be done, rows are stored.
  const { invoked, waiting } = await startConsumers(context, work);
  await keepUnread(context, haltedOf(states));
  const unknown = [
    ...work.flatMap(({ state, pending }) => (pending === undefined ? [state.partition] : [])),
    ...[...unreadable, ...gone].map(({ partition }) => partition),
  ].sort((a, b) => a - b);
  const previous = await latestSnapshot(context);
  if (previous) assertCovered(previous.snapshot, states);
  const idle = !work.some(({ pending }) => pending) && !hasMoved(states, previous?.snapshot);
  if (idle) {
    const acknowledgedMessages = await acknowledge(context, states);
    return {
      ...ended('unchanged', lease.state),
      ...{ acknowledgedMessages, invoked, waiting, laggards: unknown, halted },
    };
  }
  const known = await assertNotBehindSnapshots(context);
  const openedAt = environment.now();
  const { opened: number } = await lease.update(openCheckpoint);
  const late = await awaitFlush(context, number, flushing(work, invoked), waitUntil(context, openedAt));
  const unflushed = late.filter((partition) => context.invoker.isWaiting?.(partition) !== true);
  if (unflushed.length < late.length) {
    log.info(`Checkpoint ${number}: ${late.length - unflushed.length} partitions wait for a consumer`);
  }
  const laggards = [...new Set([...unflushed, ...unknown])].sort((a, b) => a - b);
  if (laggards.length > 0) {
    log.warn(`Checkpoint ${number}: ${laggards.length} partitions did not flush in time or did not answer`, {
      laggards: laggards.slice(0, 50),
    });
  }
  const taken = await takeCheckpoint(context, { number, at: openedAt, laggards }, previous);
  const { record } = taken;
  const unable = failing(taken.states, work);
  if (unable.length > 0) {
    log.warn(`Checkpoint ${number}: ${unable.length} partitions could not store what there is`, {
      partitions: unable.slice(0, 50),
    });
  }
  const acknowledgedMessages = await acknowledge(context, taken.states);
  const terms = { kept: pipeline.checkpoint.snapshotsKept, acknowledged: lease.state.acknowledged };
  const numbers = known.at(-1) === number ? known : [...known, number];
  await persistently(context, (deadline) => pruneSnapshots(objects, pipeline.name, numbers, terms, deadline));
  return {
    ...ended('completed', lease.state),
    flushedMessages: record.messages,
    flushedRows: record.rows,
    acknowledgedMessages,
    invoked,
    waiting,
    laggards,
    halted,
    failing: unable,
  };
}

/** One that found nothing to do may carry an old failure: it says nothing about what is to be stored. */
function failing(states: readonly PartitionState[], work: readonly Work[]): readonly number[] {
  const pending = new Set(work.filter((one) => one.pending).map(({ state }) => state.partition));
  const failed = states.filter(({ failedTries, halted }) => failedTries && !halted);
  return failed.map(({ partition }) => partition).filter((partition) => pending.has(partition));
}

/** A partition once taken in whose item is gone is nobody's: no consumer is started for it. */
function withoutState(
  { pipeline, lease }: CycleContext,
  states: readonly PartitionState[],
  unreadable: readonly Unanswered[],
): readonly Unanswered[] {
  const found = new Set([...states, ...unreadable].map(({ partition }) => partition));
  return Array.from({ length: lease.state.partitions }, (_, partition) => partition)
    .filter((partition) => !found.has(partition))
    .map((partition) => ({
      partition,
      error: new PulsehouseError(
        'PH_STATE_MISSING',
        `partition ${partition} of ${pipeline.name} has no state`,
      ),
    }));
}

/**
 * A number is opened before its object is written; an object beyond it says that this item is an older one. Answers the
 * numbers that have an object, ascending.
 */
async function assertNotBehindSnapshots(context: CycleContext): Promise<readonly number[]> {
  const { objects, pipeline, lease } = context;
  const { opened, acknowledged } = lease.state;
  const terms = { opened, acknowledged, kept: pipeline.checkpoint.snapshotsKept };
  const numbers = await persistently(context, (deadline) =>
    listRecentSnapshots(objects, pipeline.name, terms, deadline),
  );
  const newest = numbers.at(-1) ?? 0;
  if (newest <= lease.state.opened) return numbers;
  const message = `snapshot ${newest} exists while the newest checkpoint opened is ${lease.state.opened}`;
  throw new PulsehouseError('PH_STATE_BEHIND', message, { where: { pipeline: pipeline.name } });
}

/** Partitions that have a consumer, started now or before: the others have nothing to flush. */
function flushing(work: readonly Work[], invoked: readonly number[]): readonly Flushing[] {
  const started = new Set(invoked);
  return work
    .filter(({ state, held }) => held || started.has(state.partition))
    .map(({ state: { partition, epoch }, held }) => ({ partition, endsFrom: held ? epoch : epoch + 1 }));
}

function waitUntil({ pipeline, deadline }: CycleContext, openedAt: number): number {
  const budget = (deadline - openedAt) * (1 - CLOSING_SHARE);
  return openedAt + Math.min(pipeline.checkpoint.flushTimeout, budget);
}

async function endedBy(
  error: unknown,
  { log }: CycleDependencies,
  lease: Lease<CycleState>,
): Promise<CycleResult> {
  if (!isPulsehouseError(error)) throw error;
  if (error.code === 'PH_FENCED') {
    log.warn(error.message);
    return ended('fenced', lease.state);
  }
  await lease.release().catch((cause: unknown) => log.debug('the lease runs out by itself', { cause }));
  throw error;
}

function ended(outcome: CycleResult['outcome'], state: CycleState): CycleResult {
  return {
    outcome,
    checkpoint: state.latest,
    flushedMessages: 0,
    flushedRows: 0,
    acknowledgedMessages: 0,
    invoked: [],
    waiting: [],
    laggards: [],
    halted: [],
    failing: [],
  };
}
