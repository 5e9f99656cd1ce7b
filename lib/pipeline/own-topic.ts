import { PulsehouseError } from './errors.ts';
import type { PartitionState } from './partition-state.ts';
import type { Pipeline } from './pipeline.ts';

/**
 * A pipeline's states are those of the topic its file names. Under another topic's name they would be read on as if nothing
 * had changed, and partitions that only that one has would be taken in beside them.
 * @throws PulsehouseError PH_TOPIC_CHANGED
 */
export function assertOwnTopic(
  { name, topic }: Pick<Pipeline, 'name' | 'topic'>,
  states: readonly Pick<PartitionState, 'topic' | 'partition'>[],
): void {
  const foreign = states.find(
    (state) => state.topic !== topic && state.topic !== `${topic}-partition-${state.partition}`,
  );
  if (!foreign) return;
  throw new PulsehouseError(
    'PH_TOPIC_CHANGED',
    `the state of pipeline ${name} is that of ${foreign.topic}, and its file names the topic ${topic}`,
    // Not one partition's fault: `run` and the cycle end for it as a whole.
    { where: { pipeline: name, topic } },
  );
}
