import { isHeld } from '../leases/held.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import type { InProcessInvoker } from './in-process-invoker.ts';
import type { Session } from './session.ts';

const QUESTION_TIME = 15_000;
/** How long after a lease has run out it is looked at: clocks differ a little. */
const AFTER = 50;

/**
 * Starts a consumer for each partition whose holder died, as soon as its lease has run out and without a cycle. One
 * request a hundred partitions, no sooner than somebody else's lease can have run out.
 * @returns when to look again (ms since the epoch); undefined while nobody else holds a partition.
 */
export async function takeOverLapsed(
  { pipeline, state, environment }: Session,
  invoker: InProcessInvoker,
): Promise<number | undefined> {
  const deadline = environment.now() + QUESTION_TIME;
  const cycle = await state.readCycle(pipeline.name, deadline);
  if (!cycle || cycle.paused) return undefined;
  const { states } = await state.readEachPartition(pipeline.name, cycle.partitions, deadline);
  const others = states.filter(
    ({ partition, owner }) => owner !== undefined && !invoker.isRunning(partition),
  );
  const lapsed = others.filter((other) => !isHeld(other, environment));
  for (const { partition } of lapsed) await invoker.invoke(pipeline.name, partition);
  return earliest(others.filter((other) => !lapsed.includes(other)));
}

function earliest(held: readonly PartitionState[]): number | undefined {
  return held.length === 0 ? undefined : Math.min(...held.map(({ leaseUntil }) => leaseUntil)) + AFTER;
}
