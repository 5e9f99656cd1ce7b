import pLimit from 'p-limit';
import { firstEpoch } from '../leases/generation.ts';
import { PulsehouseError } from '../pipeline/errors.ts';
import { newPartitionState } from '../pipeline/partition-transitions.ts';
import { BEFORE_ALL } from '../pipeline/position.ts';
import { type CycleContext, persistently } from './context.ts';

const PARTITIONS_AT_ONCE = 16;

/**
 * Takes in partitions added since the last cycle. They start at earliest: everything in them is newer than the
 * pipeline. The subscription comes first, so that nothing of theirs can be forgotten before it is read.
 * @throws PulsehouseError PH_TOPIC_SHRUNK when there are fewer than there were.
 */
export async function discoverPartitions(context: CycleContext): Promise<void> {
  const { pipeline, transport, lease } = context;
  const topics = await persistently(context, (deadline) => transport.partitions(pipeline.topic, deadline));
  const known = lease.state.partitions;
  if (topics.length < known) {
    throw new PulsehouseError(
      'PH_TOPIC_SHRUNK',
      `the topic had ${known} partitions and has ${topics.length}`,
      {
        where: { pipeline: pipeline.name, topic: pipeline.topic },
      },
    );
  }
  if (topics.length === known) return;
  const added = [...topics.entries()].slice(known);
  await pLimit(PARTITIONS_AT_ONCE).map(added, ([partition, topic]) => takeIn(context, partition, topic));
  await lease.update((cycle) => ({ ...cycle, partitions: topics.length }));
}

async function takeIn(context: CycleContext, partition: number, topic: string): Promise<void> {
  const { pipeline, transport, state, environment, lease, log } = context;
  await lease.renewIfDue();
  await persistently(context, (deadline) =>
    transport.ensureSubscription(topic, pipeline.subscription, { at: 'earliest' }, deadline),
  );
  const cluster = await persistently(context, (deadline) => transport.topicIdentity(topic, deadline));
  const first = newPartitionState({
    pipeline: pipeline.name,
    partition,
    topic,
    generation: lease.state.generation,
    cluster,
    origin: BEFORE_ALL,
    writeId: environment.uniqueId(),
  });
  await persistently(context, (deadline) =>
    state.createPartition({ ...first, epoch: firstEpoch(environment) }, deadline),
  );
  log.info(`Partition ${partition} is new and starts at earliest`, { partition, topic });
}
