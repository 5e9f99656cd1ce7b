/** Joins streams that are each in order into one that is. One value of each is held. */
export async function* mergeInOrder<T>(
  streams: readonly AsyncGenerator<T, void, void>[],
  compare: (a: T, b: T) => number,
): AsyncGenerator<T, void, void> {
  try {
    const heads: { value: T; readonly stream: AsyncGenerator<T, void, void> }[] = [];
    for (const stream of streams) {
      const first = await stream.next();
      if (!first.done) heads.push({ value: first.value, stream });
    }
    for (;;) {
      const [head, ...others] = heads;
      if (!head) return;
      const lowest = others.reduce((low, other) => (compare(other.value, low.value) < 0 ? other : low), head);
      yield lowest.value;
      const next = await lowest.stream.next();
      if (next.done) heads.splice(heads.indexOf(lowest), 1);
      else lowest.value = next.value;
    }
  } finally {
    for (const stream of streams) await stream.return();
  }
}
