import { mayBeAnotherTopic } from '../pipeline/another-topic.ts';
import { PulsehouseError } from '../pipeline/errors.ts';
import { formatPosition } from '../pipeline/position.ts';
import { type CycleContext, persistently } from './context.ts';
import type { SnapshotPartition } from './snapshot.ts';

/** Ends an acknowledgement before anything is acknowledged: the partition was halted or reset since the states were read. */
export class NothingToAcknowledge extends Error {}

/**
 * A topic made anew has a subscription again, made at earliest by whoever halted: what was stored of the one before must
 * not be acknowledged there. Asked while we are attached to the subscription, which ends with its topic.
 * @throws NothingToAcknowledge; PulsehouseError PH_PULSAR_POSITION_UNKNOWN where nobody has halted yet; what topic and state answer.
 */
export async function assertSameTopic(
  context: CycleContext,
  { partition, topic, generation, committed }: SnapshotPartition,
  deadline: number,
): Promise<void> {
  const { state, transport, pipeline } = context;
  const standing = await persistently(context, (tryUntil) =>
    state.readPartition(pipeline.name, partition, tryUntil),
  );
  const halted = standing?.halted && mayBeAnotherTopic(standing.halted.code);
  if (standing?.generation !== generation || halted) throw new NothingToAcknowledge();
  const { cluster } = standing;
  const found = cluster === undefined ? undefined : await transport.topicIdentity(topic, deadline);
  if (found === undefined || found === cluster) return;
  throw new PulsehouseError('PH_PULSAR_POSITION_UNKNOWN', `the topic was ${cluster} and is ${found} now`, {
    where: { topic, partition, position: formatPosition(committed) },
  });
}
