import pLimit from 'p-limit';
import { PulsehouseError } from '../pipeline/errors.ts';
import { type BeginDependencies, ensureSubscription, PARTITIONS_AT_ONCE } from './context.ts';
import type { Tell } from './step.ts';

/**
 * A pipeline that has begun: its states must all be there and be of this topic.
 * @throws PulsehouseError PH_STATE_LOST, PH_CONFIG_INVALID.
 */
export async function checkStanding(
  dependencies: BeginDependencies,
  partitions: number,
  topics: readonly string[],
  deadline: number,
  tell: Tell,
): Promise<void> {
  const { pipeline, state } = dependencies;
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
    ensureSubscription(dependencies, topic, { at: 'earliest' }, deadline),
  );
  tell({ outcome: 'found', message: `subscription ${pipeline.subscription}` });
  if (topics.length > partitions) {
    tell({
      outcome: 'note',
      message: `${topics.length - partitions} new partition(s) are taken in by the next checkpoint`,
    });
  }
}
