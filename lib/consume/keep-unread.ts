import { isPulsehouseError } from '../pipeline/errors.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import { askAgain, type ConsumeDependencies } from './context.ts';

/** Milliseconds: the partition is halted already, and each cycle sees to it again. */
const TIME = 10_000;

/**
 * A topic made anew has no subscription, so that Pulsar would forget what arrives during the halt, or take the topic for
 * inactive and delete it. One that is missing is made at earliest; one that exists is not moved.
 */
export async function keepUnread(
  { transport, pipeline, environment, log }: ConsumeDependencies,
  { topic, partition }: PartitionState,
  deadline: number,
): Promise<void> {
  const until = Math.min(deadline, environment.now() + TIME);
  try {
    await askAgain(environment, until, (tryUntil) =>
      transport.ensureSubscription(topic, pipeline.subscription, { at: 'earliest' }, tryUntil),
    );
  } catch (error) {
    if (!isPulsehouseError(error)) throw error;
    log.error(
      `Partition ${partition} is halted and its subscription could not be made; the next cycle tries again: ${error.message}`,
      { ...error.where, topic, code: error.code },
    );
  }
}
