import type { Environment } from './environment.ts';

export interface RetryTerms {
  /** No further try begins when it could not begin before this instant (ms since the epoch). The first always does. */
  readonly deadline: number;
  /** One try may take this long. */
  readonly tryTimeout?: number;
  readonly tries?: number;
  /** A whitelist: anything else is thrown at once. */
  readonly retryIf: (error: unknown) => boolean;
  /** Aborted: no further try begins. */
  readonly stop?: AbortSignal;
}

const TRY_TIMEOUT = 10_000;
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 1_000;

/**
 * Tries again after growing pauses with jitter; throws the last error. Waits on the injected clock. Each try is given a
 * deadline of its own, so that a server that never answers costs one try and not the invocation.
 */
export async function retry<T>(
  environment: Environment,
  terms: RetryTerms,
  attempt: (tryUntil: number) => Promise<T>,
): Promise<T> {
  let pause = FIRST_PAUSE;
  for (let tried = 1; ; tried++) {
    try {
      return await attempt(Math.min(terms.deadline, environment.now() + (terms.tryTimeout ?? TRY_TIMEOUT)));
    } catch (error) {
      const wait = pause * (0.5 + environment.random());
      const isLast = tried === terms.tries || environment.now() + wait >= terms.deadline;
      if (isLast || !terms.retryIf(error)) throw error;
      await environment.sleep(wait, terms.stop);
      if (terms.stop?.aborted) throw error;
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
  }
}
