import type { Fenced } from '../pipeline/partition-state.ts';
import type { Environment } from '../ports/environment.ts';
import type { Log } from '../ports/log.ts';
import type { Lease } from './lease.ts';

/** A lease is renewed when a third of it has passed; looked at this often, at the latest after half. */
const LOOKS_A_LEASE = 6;

/**
 * Renews the lease (`duration` in milliseconds) while `work` goes on, however long one step of it takes. A failed renewal
 * surfaces at the next write, which fails the same way.
 */
export async function whileRenewed<State extends Fenced, T>(
  around: { readonly environment: Environment; readonly log: Log },
  lease: Lease<State>,
  duration: number,
  work: () => Promise<T>,
): Promise<T> {
  const ended = new AbortController();
  const renewing = keepRenewed(around, lease, duration, ended.signal);
  try {
    return await work();
  } finally {
    ended.abort();
    await renewing;
  }
}

async function keepRenewed<State extends Fenced>(
  { environment, log }: { readonly environment: Environment; readonly log: Log },
  lease: Lease<State>,
  duration: number,
  ended: AbortSignal,
): Promise<void> {
  while (!ended.aborted) {
    await environment.sleep(duration / LOOKS_A_LEASE, ended);
    if (ended.aborted) return;
    try {
      await lease.renewIfDue();
    } catch (error) {
      log.debug('the lease could not be renewed', { error });
      return;
    }
  }
}
