/**
 * The results of all, or the first failure: that stops the others in order, and is told only when they have ended, so that
 * nothing works on with connections that the command's end closes.
 */
export async function together<T>(
  stop: AbortSignal,
  begin: (over: AbortSignal) => readonly Promise<T>[],
): Promise<readonly T[]> {
  const failed = new AbortController();
  const works = begin(AbortSignal.any([stop, failed.signal]));
  const first = Promise.all(works).catch((error: unknown) => {
    failed.abort();
    throw error;
  });
  await Promise.allSettled([...works, first]);
  return first;
}
