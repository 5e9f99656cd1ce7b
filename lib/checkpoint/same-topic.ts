import { mayBeAnotherTopic } from '../pipeline/another-topic.ts';
import { type CycleContext, persistently } from './context.ts';
import type { SnapshotPartition } from './snapshot.ts';

/** Ends an acknowledgement before anything is acknowledged. */
export class AnotherTopic extends Error {
  constructor() {
    super('another topic stands under the name');
  }
}

/**
 * A topic made anew has a subscription again, made at earliest by whoever halted: what we stored of the one before must
 * not be acknowledged there. Asked while we are attached to the subscription, which ends with its topic.
 * @throws AnotherTopic; what the topic and the state table answer.
 */
export async function assertSameTopic(
  context: CycleContext,
  { partition, topic, generation }: SnapshotPartition,
  deadline: number,
): Promise<void> {
  const { state, transport, pipeline } = context;
  const standing = await persistently(context, (tryUntil) =>
    state.readPartition(pipeline.name, partition, tryUntil),
  );
  if (!standing || standing.generation !== generation) throw new AnotherTopic();
  const { cluster, halted } = standing;
  if (halted && mayBeAnotherTopic(halted.code)) throw new AnotherTopic();
  const found = cluster === undefined ? undefined : await transport.topicIdentity(topic, deadline);
  if (found !== undefined && found !== cluster) throw new AnotherTopic();
}
