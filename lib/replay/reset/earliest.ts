import type { PartitionState } from '../../pipeline/partition-state.ts';
import { BEFORE_ALL, isAfter, isSamePosition, type Position } from '../../pipeline/position.ts';
import { topicShrunk } from '../../pipeline/topic-shrunk.ts';
import { readRange } from '../comparison/read-range.ts';
import type { ReplayDependencies } from '../dependencies.ts';
import { readUnfinished } from '../unfinished.ts';
import { beginningOf, isReplaced } from './replaced-topic.ts';

type EarliestDependencies = Pick<
  ReplayDependencies,
  'transport' | 'pipeline' | 'state' | 'objects' | 'environment'
>;

export interface EarliestRequest {
  readonly states: readonly PartitionState[];
  /** Whether somebody named these partitions; otherwise they are all there are. */
  readonly named: boolean;
}

/**
 * Where a reset to the earliest takes each partition: before everything, or where a topic begins that took the place of
 * ours. Then only partitions of it are moved, unless others are named: those that were added to the new topic are read from
 * its beginning already. A reset that was cut off is gone on with, where it said: what it has moved no longer shows what it
 * was moved for.
 * @throws PulsehouseError PH_TOPIC_SHRUNK
 */
export async function earliestPositions(
  dependencies: EarliestDependencies,
  { states, named }: EarliestRequest,
  deadline: number,
): Promise<ReadonlyMap<number, Position>> {
  const { transport, pipeline } = dependencies;
  const topics = await transport.partitions(pipeline.topic, deadline);
  const known = Math.max(...states.map(({ partition }) => partition)) + 1;
  if (topics.length < known) throw topicShrunk(pipeline, known, topics.length);
  const unfinished = await readUnfinished(dependencies, deadline);
  const begun = unfinished.flatMap((operation) => (operation.kind === 'reset' ? operation.partitions : []));
  const found = await Promise.all(
    states.map(async (state) => {
      const part = begun.find(({ partition }) => partition === state.partition);
      const replaced = part ? part.replaced === true : await isReplaced(dependencies, state, deadline);
      return { state, part, replaced };
    }),
  );
  const anew = found.filter(({ replaced }) => replaced);
  const moved = named || anew.length === 0 ? found : anew;
  const positions = await Promise.all(
    moved.map(async ({ state, part, replaced }): Promise<readonly [number, Position]> => {
      if (part) return [state.partition, part.to];
      return [state.partition, replaced ? await anewFrom(dependencies, state, deadline) : BEFORE_ALL];
    }),
  );
  return new Map(positions);
}

/** Where the new topic begins, or goes on where a consumer that lived on has read some of it. */
async function anewFrom(
  dependencies: EarliestDependencies,
  state: PartitionState,
  deadline: number,
): Promise<Position> {
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
