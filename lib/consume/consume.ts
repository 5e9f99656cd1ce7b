import { partitionItem } from '../leases/items.ts';
import { whileRenewed } from '../leases/keep-renewed.ts';
import { type Lease, takeLease } from '../leases/lease.ts';
import { mayBeAnotherTopic } from '../pipeline/another-topic.ts';
import { ERROR_CODES } from '../pipeline/error-codes.ts';
import { positionOf } from '../pipeline/error-position.ts';
import { isPulsehouseError, PulsehouseError } from '../pipeline/errors.ts';
import { assertOwnTopic } from '../pipeline/own-topic.ts';
import type { Halt, PartitionState } from '../pipeline/partition-state.ts';
import { failTry, flushedTo, halt, intendedUpTo } from '../pipeline/partition-transitions.ts';
import type { Position } from '../pipeline/position.ts';
import { awaitHandover } from './await-handover.ts';
import { ask, askAgain, type ConsumeContext, type ConsumeDependencies } from './context.ts';
import { FlushRequests } from './flush-requests.ts';
import { keepUnread } from './keep-unread.ts';
import { OpenBatches } from './open-batches.ts';
import { Pump, type PumpEnd } from './pump.ts';
import { settleFound } from './settle-found.ts';
import { assertSound, assertStateNotBehind, lookAtTable, type Soundness } from './sound-state.ts';

export type { ConsumeDependencies } from './context.ts';

export interface ConsumeRequest {
  readonly partition: number;
  /** Unique for each invocation. */
  readonly owner: string;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  readonly until: 'drained' | 'deadline';
  /** Aborted: what is pulled is flushed and committed, the lease given back; before it begins, what is in flight is settled. */
  readonly stop?: AbortSignal;
  /** A replay goes through what was stored before; only there rows may stand above the committed position. @default false */
  readonly rowsAbove?: boolean;
  /** Work is done only for this generation: another one belongs to somebody else. Whichever stands, when left out. */
  readonly generation?: string;
  /** Called when what a beginning asks of the servers is answered, and entries begin to come. */
  readonly onReading?: () => void;
}

export interface ConsumeResult {
  readonly outcome: PumpEnd | 'busy' | 'halted' | 'fenced' | 'paused';
  readonly committed: Position | undefined;
  readonly batches: number;
  readonly messages: number;
  readonly rows: number;
  readonly deadLetters: number;
  /** Messages without a value that were left out. */
  readonly filtered: number;
  readonly bytes: number;
  readonly halt?: Halt;
}

/** Share of the invocation kept for storing and committing what is pulled when pulling ends, and its bounds in ms. */
const CLOSING_SHARE = 0.2;
const LONGEST_CLOSING = 30_000;
/** Kept of it for the last write of the state, milliseconds, and its share of a short invocation. */
const LAST_WRITE = 2_000;
const LAST_WRITE_SHARE = 0.05;
const BUFFERED_BYTES = 16 * 1024 * 1024;

/**
 * One invocation for one partition: takes the lease, settles what a predecessor left, then pulls, intends, inserts and
 * commits until drained, stopped or near the deadline. Nothing outlives it but what the state says.
 * @throws PulsehouseError retryable or in-doubt: the next invocation goes on; terminal ones that halt are recorded.
 */
export async function consume(
  dependencies: ConsumeDependencies,
  request: ConsumeRequest,
): Promise<ConsumeResult> {
  const { pipeline, state, environment } = dependencies;
  if (request.until === 'deadline') await awaitHandover(dependencies, request.partition, request.deadline);
  const terms = { owner: request.owner, duration: pipeline.consume.lease, deadline: request.deadline };
  const taken = await takeLease(partitionItem(state, pipeline.name, request.partition), terms, environment);
  if (!taken.taken) return notTaken(dependencies, request, taken.found);
  const { lease } = taken;
  const before = lease.state;
  try {
    if (request.generation !== undefined && before.generation !== request.generation) {
      await lease.release();
      return nothingDone('fenced', before.committed);
    }
    assertOwnTopic(pipeline, [before]);
    // Read under the lease: who holds a pipeline by pausing it, and then its partitions, cannot be overtaken.
    const cycle = await askAgain(environment, request.deadline, (deadline) =>
      state.readCycle(pipeline.name, deadline),
    );
    if (!cycle)
      throw new PulsehouseError('PH_STATE_MISSING', `pipeline ${pipeline.name} was never initialised`);
    if (cycle.paused) {
      await lease.release();
      return nothingDone('paused', lease.state.committed);
    }
    const outcome = await hold(dependencies, request, lease, cycle.flushRequested);
    return { outcome, ...progress(before, lease.state) };
  } catch (error) {
    return await endedBy(error, dependencies, request, lease, before);
  }
}

async function hold(
  dependencies: ConsumeDependencies,
  request: ConsumeRequest,
  lease: Lease<PartitionState>,
  flushRequested: number,
): Promise<PumpEnd> {
  const { pipeline } = dependencies;
  return whileRenewed(dependencies, lease, pipeline.consume.lease, async () => {
    const rowsAbove = request.rowsAbove ?? false;
    const { context, sound } = await lookAtServers(dependencies, request, lease, rowsAbove);
    if (lease.state.inFlight.length > 0) {
      await settleFound(context);
      if (!rowsAbove) await assertStateNotBehind(context);
    }
    const flushes = new FlushRequests(context, flushRequested);
    const end = await pump(context, request, flushes, sound);
    const lastTokens = await lookAtTable(context, lease.state.lastTokens);
    await lease.release((state) => ({
      ...flushedTo(state, flushes.newest),
      lastTokens,
      heldUntil: undefined,
      failedTries: undefined,
    }));
    return end;
  });
}

/**
 * What a beginning asks of topic and table, side by side: a start waits for the slowest answer and not for their sum. Where
 * intents are found, rows above `committed` are looked for once those are settled. All questions have ended when it returns or
 * throws.
 * @throws PulsehouseError as `assertSound` and `assertStateNotBehind`, or what kept a question from its answer
 */
async function lookAtServers(
  dependencies: ConsumeDependencies,
  request: ConsumeRequest,
  lease: Lease<PartitionState>,
  rowsAbove: boolean,
): Promise<{ readonly context: ConsumeContext; readonly sound: Soundness }> {
  const { environment, sink } = dependencies;
  const asking: ConsumeContext = {
    ...dependencies,
    partition: request.partition,
    lease,
    deadline: workUntil(request.deadline, environment.now()),
    serverClockOffset: 0,
  };
  const isSettled = lease.state.inFlight.length === 0;
  const [offset, sound, notBehind] = await Promise.allSettled([
    ask(asking, async (deadline) => {
      const askedAt = environment.now();
      return (await sink.serverNow(deadline)) - askedAt;
    }),
    assertSound(asking, { rowsAbove }),
    rowsAbove || !isSettled ? undefined : assertStateNotBehind(asking),
  ]);
  if (offset.status === 'rejected') throw offset.reason;
  if (sound.status === 'rejected') throw sound.reason;
  if (notBehind.status === 'rejected') throw notBehind.reason;
  return { context: { ...asking, serverClockOffset: offset.value }, sound: sound.value };
}

/** A little is kept of the time, so that an invocation that runs into its deadline can still say so and give the lease back. */
function workUntil(deadline: number, now: number): number {
  return Math.floor(deadline - Math.min(LAST_WRITE, Math.max(0, deadline - now) * LAST_WRITE_SHARE));
}

async function pump(
  context: ConsumeContext,
  request: ConsumeRequest,
  flushes: FlushRequests,
  sound: Soundness,
): Promise<PumpEnd> {
  const { environment, transport, lease } = context;
  const left = request.deadline - environment.now();
  const pullUntil = Math.floor(request.deadline - Math.min(LONGEST_CLOSING, left * CLOSING_SHARE));
  if (request.until === 'deadline') await lease.update((state) => ({ ...state, heldUntil: pullUntil }));
  const open = new OpenBatches(context);
  const reader = await ask(context, (deadline) =>
    transport.openReader(
      lease.state.topic,
      { after: intendedUpTo(lease.state), maxBufferedBytes: BUFFERED_BYTES },
      deadline,
    ),
  );
  request.onReading?.();
  try {
    const terms = { until: request.until, pullUntil, stop: request.stop };
    return await new Pump(context, reader, open, flushes, sound, terms).run();
  } finally {
    await open.quiet();
    await reader.close();
  }
}

async function endedBy(
  error: unknown,
  dependencies: ConsumeDependencies,
  request: ConsumeRequest,
  lease: Lease<PartitionState>,
  before: PartitionState,
): Promise<ConsumeResult> {
  const { log, environment } = dependencies;
  if (!isPulsehouseError(error)) throw error;
  if (error.code === 'PH_FENCED') {
    log.warn(error.message, { partition: lease.state.partition });
    return { outcome: 'fenced', ...progress(before, lease.state) };
  }
  if (!halts(error)) {
    const failure = failureOf(error, environment.now());
    await lease
      .release((state) => failTry(state, failure))
      .catch((cause: unknown) => log.debug('the lease runs out by itself', { cause }));
    throw error;
  }
  const reason = haltReason(error, lease.state, environment.now());
  log.error(`Partition ${lease.state.partition} halted: ${reason.reason}`, {
    ...error.where,
    code: error.code,
  });
  await lease.release((state) => halt(state, reason));
  // A replay reads what its pipeline has read before.
  if (mayBeAnotherTopic(error.code) && request.rowsAbove !== true)
    await keepUnread(dependencies, lease.state, request.deadline);
  return { outcome: 'halted', halt: reason, ...progress(before, lease.state) };
}

function failureOf(error: PulsehouseError, at: number): Parameters<typeof failTry>[1] {
  const { code, message, nextStep, where } = error;
  return { code, message, nextStep, position: where.position, at };
}

function haltReason(error: PulsehouseError, state: PartitionState, at: number): Halt {
  return {
    code: error.code,
    reason: error.where.position ? `${error.message} (at ${error.where.position})` : error.message,
    nextStep: error.nextStep,
    position: positionOf(error) ?? state.committed,
    at,
  };
}

function halts({ code, where }: PulsehouseError): boolean {
  const known = ERROR_CODES[code];
  if (!('halts' in known)) return false;
  return known.halts === true || where.position !== undefined;
}

function notTaken(
  { pipeline }: ConsumeDependencies,
  { partition }: ConsumeRequest,
  found: PartitionState | undefined,
): ConsumeResult {
  if (!found) {
    throw new PulsehouseError('PH_STATE_MISSING', `partition ${partition} of ${pipeline.name} has no state`);
  }
  return found.halted
    ? { ...nothingDone('halted', found.committed), halt: found.halted }
    : nothingDone('busy', found.committed);
}

function progress(before: PartitionState, after: PartitionState): Omit<ConsumeResult, 'outcome'> {
  return {
    committed: after.committed,
    batches: after.totals.batches - before.totals.batches,
    messages: after.totals.messages - before.totals.messages,
    rows: after.totals.rows - before.totals.rows,
    deadLetters: after.totals.deadLetters - before.totals.deadLetters,
    filtered: after.totals.filtered - before.totals.filtered,
    bytes: after.totals.bytes - before.totals.bytes,
  };
}

function nothingDone(outcome: ConsumeResult['outcome'], committed: Position | undefined): ConsumeResult {
  return { outcome, committed, batches: 0, messages: 0, rows: 0, deadLetters: 0, filtered: 0, bytes: 0 };
}
