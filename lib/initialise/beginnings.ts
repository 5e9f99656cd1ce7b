import pLimit from 'p-limit';
import { firstEpoch, newGeneration } from '../leases/generation.ts';
import { newCycleState } from '../pipeline/cycle-transitions.ts';
import { newPartitionState } from '../pipeline/partition-transitions.ts';
import { formatPosition } from '../pipeline/position.ts';
import { type BeginDependencies, ensureSubscription, PARTITIONS_AT_ONCE, type Place } from './context.ts';
import { refuseRowsAbove, refuseSnapshots } from './lost-state.ts';
import { checkStanding } from './standing.ts';
import type { Tell } from './step.ts';

/**
 * Gives every partition its subscription and its state, and the pipeline its cycle; the cycle comes last, since its
 * being there says that the pipeline begins. What an earlier, unfinished run made is gone on with.
 * @throws PulsehouseError PH_STATE_LOST when there is no state but traces of one.
 */
export async function ensureBeginnings(
  dependencies: BeginDependencies,
  topics: readonly string[],
  deadline: number,
  tell: Tell,
): Promise<void> {
  const { pipeline, state, environment } = dependencies;
  const cycle = await state.readCycle(pipeline.name, deadline);
  if (cycle) return checkStanding(dependencies, cycle.partitions, topics, deadline, tell);

  await refuseSnapshots(dependencies, deadline);
  const limit = pLimit(PARTITIONS_AT_ONCE);
  const places = await limit.map([...topics.entries()], async ([partition, topic]): Promise<Place> => {
    const found = await ensureSubscription(dependencies, topic, pipeline.initialPosition, deadline);
    return { partition, topic, ...found };
  });
  await refuseRowsAbove(dependencies, places, deadline);
  tell({ outcome: 'created', message: `subscription ${pipeline.subscription} ${whereTheyStand(places)}` });
  const generation = await createPartitions(dependencies, places, deadline);
  const first = newCycleState({
    pipeline: pipeline.name,
    generation,
    partitions: topics.length,
    writeId: environment.uniqueId(),
  });
  await state.createCycle({ ...first, epoch: firstEpoch(environment) }, deadline);
  tell({ outcome: 'created', message: `state of ${topics.length} partition(s), generation ${generation}` });
}

/** Answers the generation of all of them: that of partition 0, whoever made it first. */
async function createPartitions(
  dependencies: BeginDependencies,
  places: readonly Place[],
  deadline: number,
): Promise<string> {
  let generation = newGeneration(dependencies.environment);
  for (const place of places.slice(0, 1)) {
    generation = await createPartition(dependencies, place, generation, deadline);
  }
  const limit = pLimit(PARTITIONS_AT_ONCE);
  await limit.map(places.slice(1), (place) => createPartition(dependencies, place, generation, deadline));
  return generation;
}

/** Answers the generation that stands. */
async function createPartition(
  { pipeline, transport, state, environment }: BeginDependencies,
  { partition, topic, markDelete }: Place,
  generation: string,
  deadline: number,
): Promise<string> {
  const first = newPartitionState({
    pipeline: pipeline.name,
    partition,
    topic,
    generation,
    cluster: await transport.topicIdentity(topic, deadline),
    origin: markDelete,
    writeId: environment.uniqueId(),
  });
  const result = await state.createPartition({ ...first, epoch: firstEpoch(environment) }, deadline);
  return result.written ? generation : (result.found?.generation ?? generation);
}

function whereTheyStand(places: readonly Place[]): string {
  const shown = places.slice(0, 4).map(({ markDelete }) => formatPosition(markDelete));
  return `stands at ${shown.join(', ')}${places.length > shown.length ? ', …' : ''}`;
}
