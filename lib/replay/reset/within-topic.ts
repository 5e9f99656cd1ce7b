import { PulsehouseError } from '../../pipeline/errors.ts';
import type { PartitionState } from '../../pipeline/partition-state.ts';
import { formatPosition, isAfter, laterOf, type Position } from '../../pipeline/position.ts';
import type { ReplayDependencies } from '../dependencies.ts';

/**
 * Beyond the topic's end nothing was published yet: from there, what comes next would be passed over unread.
 * @throws PulsehouseError PH_RESET_REFUSED
 */
export async function assertWithinTopic(
  { transport }: Pick<ReplayDependencies, 'transport'>,
  { topic, partition, committed }: PartitionState,
  to: Position,
  deadline: number,
): Promise<void> {
  if (!isAfter(to, committed)) return;
  const end = laterOf(await transport.lastPosition(topic, deadline), committed);
  if (!isAfter(to, end)) return;
  throw new PulsehouseError(
    'PH_RESET_REFUSED',
    `the topic ends at ${formatPosition(end)}, and what is published next would be skipped up to ${formatPosition(to)}`,
    {
      where: { topic, partition, position: formatPosition(to) },
      nextStep: 'Choose a position up to its end; `--to latest` skips what is there now.',
    },
  );
}
