import { isPulsehouseError } from '../../pipeline/errors.ts';
import type { Environment } from '../../ports/environment.ts';

const FIRST_WAIT = 20;
const LONGEST_WAIT = 1_000;

/**
 * Calls `attempt` until it succeeds, fails with something `mayRetry` does not want, or `deadline` (ms since the epoch)
 * comes, or `stop` is aborted; then the last failure is thrown. Waits double, with jitter.
 */
export async function retrying<Result>(
  environment: Environment,
  deadline: number,
  mayRetry: (error: unknown) => boolean,
  attempt: () => Promise<Result>,
  stop?: AbortSignal,
): Promise<Result> {
  for (let wait = FIRST_WAIT; ; wait = Math.min(2 * wait, LONGEST_WAIT)) {
    try {
      return await attempt();
    } catch (error) {
      const pause = wait * (0.5 + environment.random());
      if (!mayRetry(error) || environment.now() + pause >= deadline) throw error;
      await environment.sleep(pause, stop);
      if (stop?.aborted) throw error;
    }
  }
}

/** The broker is there and will answer otherwise soon: topics being loaded, moved or balanced. */
export function isPassing(error: unknown): boolean {
  return (
    isPulsehouseError(error) &&
    (error.code === 'PH_PULSAR_NOT_READY' ||
      error.code === 'PH_PULSAR_THROTTLED' ||
      error.code === 'PH_PULSAR_CONNECTION_LOST')
  );
}
