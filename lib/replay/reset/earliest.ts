import type { PartitionState } from '../../pipeline/partition-state.ts';
import { BEFORE_ALL, isAfter, isSamePosition, type Position } from '../../pipeline/position.ts';
import { readRange } from '../comparison/read-range.ts';
import type { ReplayDependencies } from '../dependencies.ts';
import type { ResetPartition } from '../journal.ts';
import { readUnfinished } from '../unfinished.ts';
import { beginningOf, isReplaced } from './replaced-topic.ts';

type EarliestDependencies = Pick<
  ReplayDependencies,
  'transport' | 'pipeline' | 'state' | 'objects' | 'environment'
>;

/**
 * Where a reset to the earliest takes each partition: before everything, or where a topic begins that took the place of
 * ours. One that was cut off is gone on with, where it said: what it has moved no longer shows what it was moved for.
 */
export async function earliestPositions(
  dependencies: EarliestDependencies,
  states: readonly PartitionState[],
  deadline: number,
): Promise<ReadonlyMap<number, Position>> {
  const unfinished = await readUnfinished(dependencies, deadline);
  const begun = unfinished.flatMap((operation) => (operation.kind === 'reset' ? operation.partitions : []));
  const positions = await Promise.all(
    states.map((state) => earliestOf(dependencies, state, begun.find(isOf(state)), deadline)),
  );
  return new Map(states.map(({ partition }, index) => [partition, positions[index] ?? BEFORE_ALL]));
}

function isOf({ partition }: PartitionState): (part: ResetPartition) => boolean {
  return (part) => part.partition === partition;
}

async function earliestOf(
  dependencies: EarliestDependencies,
  state: PartitionState,
  begun: ResetPartition | undefined,
  deadline: number,
): Promise<Position> {
  if (begun) return begun.to;
  if (!(await isReplaced(dependencies, state, deadline))) return BEFORE_ALL;
  const begins = await beginningOf(dependencies, state, deadline);
  const { committed } = state;
  return isAfter(committed, begins) && (await isReadFrom(dependencies, state, deadline)) ? committed : begins;
}

/**
 * Whether a consumer that lived on while the topic was exchanged has read some of the new one already: then the entry it
 * read last stands there. Another cluster's ids may reach as high by chance, and what lies below is unread.
 */
async function isReadFrom(
  { transport, environment }: EarliestDependencies,
  { topic, committed, committedPublishTime }: PartitionState,
  deadline: number,
): Promise<boolean> {
  const range = { topic, after: { ...committed, entry: committed.entry - 1 }, to: committed };
  for await (const { position, publishTime } of readRange(transport, environment, range, deadline)) {
    return isSamePosition(position, committed) && publishTime === committedPublishTime;
  }
  return false;
}
