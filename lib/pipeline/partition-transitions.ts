import { PulsehouseError } from './errors.ts';
import type { Intent } from './intent.ts';
import { type FailedTries, type Halt, NO_TOTALS, type PartitionState } from './partition-state.ts';
import { formatPosition, isAfter, isSamePosition, type Position } from './position.ts';

/**
 * The legal changes of a partition's state. Each is a pure function; fencing (epoch, version, write id) is the lease's
 * business and not seen here. What is illegal throws PH_INVARIANT, which halts: the state would no longer be true.
 */

/** What a partition's state begins with. */
export interface PartitionOrigin {
  readonly pipeline: string;
  readonly partition: number;
  readonly topic: string;
  readonly generation: string;
  readonly cluster: string | undefined;
  /** Nothing at or below it is ever read. */
  readonly origin: Position;
  readonly writeId: string;
}

export function newPartitionState(from: PartitionOrigin): PartitionState {
  return {
    ...from,
    epoch: 0,
    version: 0,
    follows: '',
    owner: undefined,
    leaseUntil: 0,
    committed: from.origin,
    committedPublishTime: 0,
    seq: 0,
    inFlight: [],
    heldUntil: undefined,
    flushed: 0,
    totals: NO_TOTALS,
    forgotten: undefined,
    lastTokens: undefined,
    halted: undefined,
    failedTries: undefined,
    viewGaps: undefined,
    rowsReplaced: undefined,
  };
}

/** The upper bound of everything intended: where the next batch begins. */
export function intendedUpTo(state: PartitionState): Position {
  return state.inFlight.at(-1)?.to ?? state.committed;
}

export function intend(state: PartitionState, intent: Intent): PartitionState {
  const isNext = isSamePosition(intent.after, intendedUpTo(state)) && isAfter(intent.to, intent.after);
  if (!isNext || intent.seq !== state.seq + 1 || intent.generation !== state.generation) {
    throw violated(
      state,
      `batch ${intent.seq} ${bounds(intent)} does not follow ${formatPosition(intendedUpTo(state))}`,
    );
  }
  assertConserved(state, intent);
  return {
    ...state,
    seq: intent.seq,
    inFlight: [...state.inFlight, intent],
    lastTokens: state.lastTokens ?? intent.tokens,
  };
}

/** Attempt, notAfter, dead letters and what follows from them may change; bounds, counts and identity never. */
export function amendIntent(state: PartitionState, amended: Intent): PartitionState {
  const standing = state.inFlight.find((intent) => intent.seq === amended.seq);
  const same =
    standing !== undefined &&
    standing.generation === amended.generation &&
    isSamePosition(standing.after, amended.after) &&
    isSamePosition(standing.to, amended.to) &&
    standing.messages === amended.messages &&
    standing.digest === amended.digest &&
    amended.attempt >= standing.attempt &&
    amended.notAfter >= standing.notAfter;
  if (!same)
    throw violated(state, `batch ${amended.seq} ${bounds(amended)} is not the one that was intended`);
  assertConserved(state, amended);
  return {
    ...state,
    inFlight: state.inFlight.map((intent) => (intent.seq === amended.seq ? amended : intent)),
  };
}

/** Commits the oldest intent in flight, which must be `seq`: commits never overtake each other. */
export function commit(state: PartitionState, seq: number): PartitionState {
  const [oldest, ...rest] = state.inFlight;
  if (oldest?.seq !== seq) throw violated(state, `batch ${seq} is not the oldest in flight`);
  if (oldest.condition?.counted === false)
    throw violated(
      state,
      `batch ${seq} is stored, and how many of its messages meet the condition is not known`,
    );
  const { totals } = state;
  return {
    ...state,
    committed: oldest.to,
    committedPublishTime: Math.max(state.committedPublishTime, oldest.publishedUpTo),
    inFlight: rest,
    // Not moved on: a look that was taken before any row was committed had nothing to miss.
    lastTokens: state.lastTokens ?? oldest.tokens,
    failedTries: undefined,
    totals: {
      ...totals,
      batches: totals.batches + 1,
      entries: totals.entries + oldest.entries,
      messages: totals.messages + oldest.messages,
      rows: totals.rows + oldest.rows,
      filtered: totals.filtered + oldest.filtered,
      deadLetters: totals.deadLetters + (oldest.deadLetters?.count ?? 0),
      bytes: totals.bytes + oldest.bytes,
    },
  };
}

export function flushedTo(state: PartitionState, checkpoint: number): PartitionState {
  return checkpoint > state.flushed ? { ...state, flushed: checkpoint } : state;
}

export function halt(state: PartitionState, reason: Halt): PartitionState {
  return { ...state, halted: state.halted ?? reason };
}

/** A whole state is far below the 400 kB of an item, whatever a server's message quotes. */
const LONGEST_FAILURE = 600;

/** A try that ended by an error that does not halt: the next one may do better, and somebody must see it if none does. */
export function failTry(
  state: PartitionState,
  failure: Pick<FailedTries, 'code' | 'message' | 'nextStep' | 'position' | 'at'>,
): PartitionState {
  const before = state.failedTries;
  const failedTries = {
    ...before,
    ...failure,
    message: shortened(failure.message),
    count: (before?.count ?? 0) + 1,
    since: before?.since ?? failure.at,
  };
  return { ...state, failedTries };
}

function shortened(message: string): string {
  return message.length <= LONGEST_FAILURE ? message : `${message.slice(0, LONGEST_FAILURE - 1)}…`;
}

/**
 * Lets a halted partition go on. What its halt was about has been looked at, and is not found again: a table that went
 * back, or is another one, is taken as it is now.
 */
export function resume(state: PartitionState): PartitionState {
  return { ...state, halted: undefined, lastTokens: undefined, failedTries: undefined };
}

/** Conservation (invariant 7): every message read is a row, was filtered, or is a dead letter. */
function assertConserved(state: PartitionState, intent: Intent): void {
  const accounted = intent.rows + intent.filtered + (intent.deadLetters?.count ?? 0);
  if (accounted !== intent.messages) {
    throw violated(
      state,
      `batch ${intent.seq} read ${intent.messages} messages and accounts for ${accounted}`,
    );
  }
}

function bounds(intent: Intent): string {
  return `(${formatPosition(intent.after)}, ${formatPosition(intent.to)}]`;
}

function violated(state: PartitionState, message: string): PulsehouseError {
  return new PulsehouseError('PH_INVARIANT', message, {
    where: {
      pipeline: state.pipeline,
      topic: state.topic,
      partition: state.partition,
      position: formatPosition(state.committed),
    },
  });
}
