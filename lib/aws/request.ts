/** What SDK errors and Node's socket errors have in common; every field may be missing. */
interface Describable {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
}

/** Node's timers take no more than this; a deadline further away is as good as none. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/**
 * Runs one SDK call that ends by `deadline` (ms since the epoch), its retries and their back-off included: the SDK
 * ends a wait between two tries as well when the signal fires.
 */
export function withinDeadline<T>(
  deadline: number,
  now: number,
  send: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const remaining = Math.min(Math.floor(deadline - now), LONGEST_TIMEOUT);
  return send({ abortSignal: remaining > 0 ? AbortSignal.timeout(remaining) : AbortSignal.abort() });
}

/** One line for people: a refused connection has no message of its own, and an abort here always means the deadline. */
export function describeAwsError(error: unknown): string {
  const { name, message, code }: Describable = typeof error === 'object' && error !== null ? error : {};
  if (name === 'AbortError') return 'no answer before the deadline';
  return [name, code, message].filter((part) => typeof part === 'string' && part !== '').join(': ');
}

export function isAwsError(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}
