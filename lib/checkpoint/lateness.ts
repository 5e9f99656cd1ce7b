import type { PartitionState } from '../pipeline/partition-state.ts';
import { isAfter, type Position } from '../pipeline/position.ts';
import type { Environment } from '../ports/environment.ts';
import type { Transport } from '../ports/transport.ts';
import { askEach, briefly, type Unanswered } from './ask-each.ts';

/** A partition and its last position, as far as it answered. */
export interface Looked {
  readonly state: PartitionState;
  readonly last: Position | undefined;
}

export interface Lateness {
  /** Milliseconds since the oldest message that is not committed was published, over all partitions. */
  readonly age: number;
  /** Partitions whose oldest message could not be read: of them the age is a bound. */
  readonly unanswered: readonly Unanswered[];
}

/** Whose newest committed message is younger than this is not late, whatever follows it: nothing is read for it. */
const NOT_LATE = 60_000;
/** Partitions at most whose oldest message is read, those first that may be furthest behind. */
const MOST_READ = 64;
const PATIENCE = 2_000;
const BUFFERED_BYTES = 1024 * 1024;

/**
 * The age of the oldest pending message. When it was published nobody knows but the message: after the newest committed
 * one, which bounds its age, but a sparse partition's next one is much younger. So it is read where the bound says anything.
 */
export async function measureLateness(
  { transport, environment }: { readonly transport: Transport; readonly environment: Environment },
  looked: readonly Looked[],
  until: number,
): Promise<Lateness> {
  const now = environment.now();
  const pending = looked.filter(({ state, last }) => last !== undefined && isAfter(last, state.committed));
  const byBound = pending
    .map(({ state }) => ({ state, partition: state.partition, bound: boundOf(state, now) }))
    .sort((a, b) => b.bound - a.bound);
  const suspects = byBound.filter(({ bound }) => bound > NOT_LATE).slice(0, MOST_READ);
  const { answers, unanswered } = await askEach(environment, suspects, ({ state }) =>
    briefly(environment, until, (deadline) => oldestPublishTime(transport, state, deadline)),
  );
  const ages = byBound.map(({ partition, bound }) => {
    const publishTime = answers.get(partition);
    if (publishTime !== undefined) return Math.max(0, now - publishTime);
    // Before the first commit nothing else says how old it is.
    return Number.isFinite(bound) ? bound : 0;
  });
  return { age: Math.max(0, ...ages), unanswered };
}

function boundOf({ committedPublishTime }: PartitionState, now: number): number {
  return committedPublishTime === 0 ? Number.POSITIVE_INFINITY : now - committedPublishTime;
}

/** Of the first message above `committed`; undefined where none is shown although one is said to be there. */
async function oldestPublishTime(
  transport: Transport,
  { topic, committed }: PartitionState,
  deadline: number,
): Promise<number | undefined> {
  const reader = await transport.openReader(
    topic,
    { after: committed, maxBufferedBytes: BUFFERED_BYTES },
    deadline,
  );
  try {
    return (await reader.next(PATIENCE))?.publishTime;
  } finally {
    await reader.close();
  }
}
