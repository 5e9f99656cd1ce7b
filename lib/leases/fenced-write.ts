import { isPulsehouseError, PulsehouseError } from '../pipeline/errors.ts';
import type { Fenced } from '../pipeline/partition-state.ts';
import type { Environment } from '../ports/environment.ts';
import { retry } from '../ports/retry.ts';
import type { LeaseClaim, LeaseResult, WriteResult } from '../ports/state-store.ts';

/** One fenced item of the state table, seen without its key: a partition's state or a pipeline's cycle. */
export interface FencedItem<State extends Fenced> {
  /** For messages. */
  readonly name: string;
  take(claim: LeaseClaim, deadline: number): Promise<LeaseResult<State>>;
  read(deadline: number): Promise<State | undefined>;
  write(next: State, deadline: number): Promise<WriteResult<State>>;
}

/** A state item is small: DynamoDB answers within milliseconds or something is wrong. */
const WRITE_TIMEOUT = 3_000;
/** A read that settles a write left unanswered gets this much more time. */
const READ_AFTER_SILENCE = 5_000;
/** Nothing is in doubt before a lease is taken: who waited longer would only be one more who waits. */
const TAKING_LASTS = 10_000;

/**
 * Writes `next` and answers only when it is known to stand. A lost reply is settled by reading: the state carries our
 * write id (mine), or is still the one we started from (the same write again is harmless, since it is conditional on the
 * write id it follows and at most one copy of it can be carried out), or is somebody else's (fenced).
 * @throws PulsehouseError PH_FENCED; PH_STATE_UNREACHABLE when the deadline passes in doubt; PH_STATE_REFUSED at once.
 */
export async function writeFenced<State extends Fenced>(
  item: FencedItem<State>,
  next: State,
  environment: Environment,
  deadline: number,
): Promise<State> {
  return untilReachable(environment, deadline, async (tryUntil) => {
    const found = await attemptWrite(item, next, tryUntil);
    if (found === 'written' || found?.writeId === next.writeId) return next;
    if (!found) throw new PulsehouseError('PH_STATE_MISSING', `${item.name} is not in the state table`);
    if (found.epoch === next.epoch && found.writeId === next.follows) {
      throw new PulsehouseError('PH_STATE_UNREACHABLE', `a write to ${item.name} got no answer`);
    }
    throw new PulsehouseError(
      'PH_FENCED',
      `${item.name} stands at epoch ${found.epoch}, version ${found.version}; our write was for epoch ${next.epoch}, version ${next.version}`,
    );
  });
}

async function attemptWrite<State extends Fenced>(
  item: FencedItem<State>,
  next: State,
  tryUntil: number,
): Promise<'written' | State | undefined> {
  try {
    const result = await item.write(next, tryUntil);
    return result.written ? 'written' : result.found;
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    return item.read(tryUntil + READ_AFTER_SILENCE);
  }
}

/**
 * Takes the lease, in 10 s at most; a lost reply is settled by claiming again with the same write id. Given up in doubt,
 * it may yet be taken, by nobody who works: then it runs out by itself.
 * @throws PulsehouseError PH_STATE_UNREACHABLE, PH_STATE_REFUSED.
 */
export async function claimLease<State extends Fenced>(
  item: FencedItem<State>,
  claim: LeaseClaim,
  environment: Environment,
  deadline: number,
): Promise<LeaseResult<State>> {
  const until = Math.min(deadline, environment.now() + TAKING_LASTS);
  return untilReachable(environment, until, (tryUntil) => item.take(claim, tryUntil));
}

function untilReachable<T>(
  environment: Environment,
  deadline: number,
  attempt: (tryUntil: number) => Promise<T>,
): Promise<T> {
  return retry(environment, { deadline, tryTimeout: WRITE_TIMEOUT, retryIf: isUnreachable }, attempt);
}

function isUnreachable(error: unknown): boolean {
  return isPulsehouseError(error) && error.code === 'PH_STATE_UNREACHABLE';
}
