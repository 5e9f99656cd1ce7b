import pLimit from 'p-limit';
import { listSnapshots } from '../checkpoint/snapshots.ts';
import { newCycleState } from '../pipeline/cycle-transitions.ts';
import { PulsehouseError } from '../pipeline/errors.ts';
import { newGeneration } from '../pipeline/generation.ts';
import { newPartitionState } from '../pipeline/partition-transitions.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { formatPosition, LAST_OF_ALL, laterOf, type Position } from '../pipeline/position.ts';
import type { Environment } from '../ports/environment.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { Sink } from '../ports/sink.ts';
import type { StateStore } from '../ports/state-store.ts';
import type { SubscriptionState, Transport } from '../ports/transport.ts';
import type { Tell } from './step.ts';

export interface BeginDependencies {
  readonly pipeline: Pipeline;
  readonly transport: Transport;
  readonly sink: Sink;
  readonly state: StateStore;
  readonly objects: ObjectStore;
  readonly environment: Environment;
}

/** Where one partition's subscription stands, which is where the pipeline begins on it. */
interface Place extends SubscriptionState {
  readonly partition: number;
  readonly topic: string;
}

const PARTITIONS_AT_ONCE = 16;

/** Rows that were in a table before it got its position columns stand at 0:0. */
const UNPLACED: Position = { ledger: 0, entry: 0 };

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
  const { pipeline, transport, state } = dependencies;
  const cycle = await state.readCycle(pipeline.name, deadline);
  if (cycle) return checkStanding(dependencies, cycle.partitions, topics, deadline, tell);

  await refuseLostState(dependencies, deadline);
  const limit = pLimit(PARTITIONS_AT_ONCE);
  const places = await limit.map([...topics.entries()], async ([partition, topic]): Promise<Place> => {
    const { subscription, initialPosition } = pipeline;
    const found = await transport.ensureSubscription(topic, subscription, initialPosition, deadline);
    return { partition, topic, ...found };
  });
  await refuseRowsAbove(dependencies, places, deadline);
  tell({ outcome: 'created', message: `subscription ${pipeline.subscription} ${whereTheyStand(places)}` });
  const generation = await createPartitions(dependencies, places, deadline);
  const first = newCycleState({
    pipeline: pipeline.name,
    generation,
    partitions: topics.length,
    writeId: dependencies.environment.uniqueId(),
  });
  const { environment } = dependencies;
  await state.createCycle({ ...first, epoch: firstEpoch(environment) }, deadline);
  tell({ outcome: 'created', message: `state of ${topics.length} partition(s), generation ${generation}` });
}

/** Epochs begin at the clock's seconds: should a state ever be made anew, its epochs lie above all that were given out. */
function firstEpoch(environment: Environment): number {
  return Math.floor(environment.now() / 1000);
}

async function checkStanding(
  { pipeline, state, transport }: BeginDependencies,
  partitions: number,
  topics: readonly string[],
  deadline: number,
  tell: Tell,
): Promise<void> {
  const states = await state.readPartitions(pipeline.name, partitions, deadline);
  if (states.length < partitions) {
    throw new PulsehouseError(
      'PH_STATE_LOST',
      `pipeline ${pipeline.name} has ${partitions} partitions and the state of ${states.length}`,
      { where: { pipeline: pipeline.name } },
    );
  }
  const foreign = states.find(({ partition, topic }) => topics[partition] !== topic);
  if (foreign) {
    throw new PulsehouseError(
      'PH_CONFIG_INVALID',
      `the state of pipeline ${pipeline.name} is that of ${foreign.topic}, and the topic has ${topics[foreign.partition] ?? 'no such partition'}`,
      {
        where: { pipeline: pipeline.name, topic: pipeline.topic, partition: foreign.partition },
        nextStep: 'Give a pipeline on another topic another name.',
      },
    );
  }
  tell({ outcome: 'found', message: `state of ${partitions} partition(s)` });
  const limit = pLimit(PARTITIONS_AT_ONCE);
  // One that is missing is made at earliest: then nothing is forgotten that no snapshot covers.
  await limit.map([...states], ({ topic }) =>
    transport.ensureSubscription(topic, pipeline.subscription, { at: 'earliest' }, deadline),
  );
  tell({ outcome: 'found', message: `subscription ${pipeline.subscription}` });
  if (topics.length > partitions) {
    tell({
      outcome: 'note',
      message: `${topics.length - partitions} new partition(s) are taken in by the next checkpoint`,
    });
  }
}

async function refuseLostState({ pipeline, objects }: BeginDependencies, deadline: number): Promise<void> {
  const snapshots = await listSnapshots(objects, pipeline.name, deadline);
  if (snapshots.length === 0) return;
  throw new PulsehouseError(
    'PH_STATE_LOST',
    `pipeline ${pipeline.name} has no state, and ${snapshots.length} snapshots of one, the newest number ${snapshots.at(-1)}`,
    { where: { pipeline: pipeline.name } },
  );
}

/** Rows of messages that would be read from here on say that somebody has written them already. */
async function refuseRowsAbove(
  { pipeline, sink }: BeginDependencies,
  places: readonly Place[],
  deadline: number,
): Promise<void> {
  const limit = pLimit(PARTITIONS_AT_ONCE);
  const counts = await limit.map([...places], async ({ partition, markDelete }) => {
    const range = { partition, after: laterOf(markDelete, UNPLACED), to: LAST_OF_ALL };
    const { rows } = await sink.countRows(range, deadline);
    return rows;
  });
  const rows = counts.reduce((sum, count) => sum + count, 0);
  if (rows === 0) return;
  throw new PulsehouseError(
    'PH_STATE_LOST',
    `pipeline ${pipeline.name} has no state, and ${sink.table} holds ${rows} rows of messages that it would read`,
    { where: { pipeline: pipeline.name, table: sink.table } },
  );
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
