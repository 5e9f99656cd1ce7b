import { PulsehouseError } from './errors.ts';
import type { Pipeline } from './pipeline.ts';

/** No topic does that by itself: it was made anew, or it is another one. */
export function topicShrunk(
  { name, topic }: Pick<Pipeline, 'name' | 'topic'>,
  known: number,
  found: number,
): PulsehouseError {
  return new PulsehouseError('PH_TOPIC_SHRUNK', `the topic had ${known} partitions and has ${found}`, {
    where: { pipeline: name, topic },
    nextStep: `Check the topic's name and the cluster first. If it was made anew, give it as many as before: \`pulsar-admin topics update-partitioned-topic ${topic} --partitions ${known}\`; then \`pulsehouse pause\`, \`pulsehouse offsets set --to earliest --yes\`, \`pulsehouse resume\`.`,
  });
}
