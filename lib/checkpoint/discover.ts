import { firstEpoch } from '../leases/generation.ts';
import { isPulsehouseError } from '../pipeline/errors.ts';
import { assertOwnTopic } from '../pipeline/own-topic.ts';
import { newPartitionState } from '../pipeline/partition-transitions.ts';
import { BEFORE_ALL } from '../pipeline/position.ts';
import { topicShrunk } from '../pipeline/topic-shrunk.ts';
import { askEach, briefly } from './ask-each.ts';
import { readEachState } from './await-flush.ts';
import { type CycleContext, persistently } from './context.ts';
import { keepUnread } from './keep-unread.ts';

/**
 * Takes in partitions added since the last cycle. They start at earliest: everything in them is newer than the
 * pipeline. The subscription comes first, so that nothing of theirs can be forgotten before it is read.
 * While the topic does not answer, those that are known go on.
 * @throws PulsehouseError PH_TOPIC_CHANGED; PH_TOPIC_SHRUNK when there are fewer than there were. Then nothing is read before
 * somebody has looked, and what arrives for those there are is kept.
 */
export async function discoverPartitions(context: CycleContext): Promise<void> {
  const { pipeline, lease, troubles } = context;
  const topics = await askForPartitions(context);
  if (topics === undefined) return;
  const known = lease.state.partitions;
  if (topics.length === known) return;
  const { states } = await readEachState(context);
  // Nobody says whose topic it is.
  if (known > 0 && states.length === 0) return;
  assertOwnTopic(pipeline, states);
  if (topics.length < known) {
    await keepUnread(context, numbered(topics));
    throw topicShrunk(pipeline, known, topics.length);
  }
  const added = numbered(topics).slice(known);
  const { unanswered } = await askEach(context.environment, added, ({ partition, topic }) =>
    takeIn(context, partition, topic),
  );
  troubles.addAll(unanswered);
  // They are numbered without gaps: those beyond one that does not answer wait for it.
  const partitions = unanswered[0]?.partition ?? topics.length;
  if (partitions > known) await lease.update((cycle) => ({ ...cycle, partitions }));
}

function numbered(topics: readonly string[]) {
  return topics.map((topic, partition) => ({ partition, topic }));
}

/** Undefined while the topic does not answer: those that are known need no answer of it. */
async function askForPartitions(context: CycleContext): Promise<readonly string[] | undefined> {
  const { pipeline, transport, environment, deadline, troubles } = context;
  try {
    return await briefly(environment, deadline, (tryUntil) => transport.partitions(pipeline.topic, tryUntil));
  } catch (error) {
    const isPassing = isPulsehouseError(error) && error.kind !== 'terminal';
    if (!isPassing || context.lease.state.partitions === 0) throw error;
    troubles.add(error);
    return undefined;
  }
}

async function takeIn(context: CycleContext, partition: number, topic: string): Promise<void> {
  const { pipeline, transport, state, environment, lease, log } = context;
  await briefly(environment, context.deadline, (deadline) =>
    transport.ensureSubscription(topic, pipeline.subscription, { at: 'earliest' }, deadline),
  );
  const cluster = await briefly(environment, context.deadline, (deadline) =>
    transport.topicIdentity(topic, deadline),
  );
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
