import { PulsehouseError } from '../../pipeline/errors.ts';
import type { PartitionState } from '../../pipeline/partition-state.ts';
import { endsBefore, formatPosition, isAfter, type Position } from '../../pipeline/position.ts';
import type { ReplayDependencies } from '../dependencies.ts';

/** Whether another topic stands under the name whose positions the state holds; false where nothing can tell. */
export async function isReplaced(
  { transport }: Pick<ReplayDependencies, 'transport'>,
  { topic, cluster, committed }: PartitionState,
  deadline: number,
): Promise<boolean> {
  if (endsBefore(await transport.lastPosition(topic, deadline), committed)) return true;
  if (cluster === undefined) return false;
  const found = await transport.topicIdentity(topic, deadline);
  return found !== undefined && found !== cluster;
}

/**
 * Just below the first entry of the topic as it is now. The subscription went with the topic before: it is made where it is
 * missing, at earliest, so that what is there now is kept until it is read.
 */
export async function beginningOf(
  { transport, pipeline }: Pick<ReplayDependencies, 'transport' | 'pipeline'>,
  { topic }: PartitionState,
  deadline: number,
): Promise<Position> {
  const found = await transport.ensureSubscription(
    topic,
    pipeline.subscription,
    { at: 'earliest' },
    deadline,
  );
  return found.markDelete;
}

/**
 * Rows keep the positions they had on the topic before. Where those of the new topic lie above, which one cluster's ids
 * always do, the two never meet. What is in flight may reach beyond, when a consumer lived on while the topic was
 * exchanged: its rows above `to` are removed and read again.
 * @throws PulsehouseError PH_RESET_REFUSED
 */
export function assertAboveReplaced(found: PartitionState, to: Position): void {
  const { topic, partition, committed } = found;
  if (!isAfter(committed, to)) return;
  throw new PulsehouseError(
    'PH_RESET_REFUSED',
    `another topic has taken the place of the one that was read up to ${formatPosition(committed)}: nothing below can be read again`,
    {
      where: { topic, partition, position: formatPosition(to) },
      nextStep:
        '`pulsehouse offsets set --to earliest` begins at the first message of the new topic. If that is refused too, its ids begin lower: set the pipeline up anew, under another name and with an empty table.',
    },
  );
}
