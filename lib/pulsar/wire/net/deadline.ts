import type { Environment } from '../../../ports/environment.ts';

/** Settles as `work` does, or rejects with `late()` once `milliseconds` have passed. `work` itself goes on. */
export async function within<Value>(
  environment: Environment,
  milliseconds: number,
  work: Promise<Value>,
  late: () => Error,
): Promise<Value> {
  const done = new AbortController();
  try {
    return await Promise.race([
      work,
      environment.sleep(Math.max(0, milliseconds), done.signal).then(() => {
        throw late();
      }),
    ]);
  } finally {
    done.abort();
  }
}
