import { isPulsehouseError, PulsehouseError } from '../pipeline/errors.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import { askEach, briefly } from './ask-each.ts';
import type { CycleContext } from './context.ts';

/** Part of the cycle's time that is spent on it. */
const SHARE = 0.15;

type Subject = Pick<PartitionState, 'partition' | 'topic'>;

/**
 * Sees to it that Pulsar keeps what arrives for partitions that nobody reads: a subscription that is missing, as on a topic
 * made anew, is made at earliest. One that exists is not moved. Those that do not answer are among the cycle's troubles,
 * and are asked again by the next one.
 */
export async function keepUnread(context: CycleContext, partitions: readonly Subject[]): Promise<void> {
  const { environment, deadline, troubles } = context;
  const until = environment.now() + (deadline - environment.now()) * SHARE;
  const { unanswered } = await askEach(environment, partitions, (subject) =>
    keepOne(context, subject, until),
  );
  troubles.addAll(unanswered);
}

async function keepOne(context: CycleContext, subject: Subject, until: number): Promise<void> {
  const { transport, pipeline, environment } = context;
  try {
    const found = await briefly(environment, until, (deadline) =>
      transport.subscriptionState(subject.topic, pipeline.subscription, deadline),
    );
    if (!found) await makeSubscription(context, subject, until);
  } catch (error) {
    // Somebody is connected to it: it exists.
    if (!isPulsehouseError(error) || error.code !== 'PH_PULSAR_CONSUMER_BUSY') throw error;
  }
}

/** @throws what the topic answers. */
export async function makeSubscription(
  { transport, pipeline, environment, log }: CycleContext,
  { partition, topic }: Subject,
  until: number,
): Promise<void> {
  await briefly(environment, until, (deadline) =>
    transport.ensureSubscription(topic, pipeline.subscription, { at: 'earliest' }, deadline),
  );
  log.warn(`Partition ${partition} had no subscription "${pipeline.subscription}"; it is made at earliest`, {
    partition,
    topic,
  });
}

/** What was unread when the subscription went may be gone: somebody has to look, although the next cycle goes on. */
export function subscriptionWasMissing(
  { pipeline }: CycleContext,
  { partition, topic }: Subject,
  cause: unknown,
): PulsehouseError {
  return new PulsehouseError(
    'PH_PULSAR_SUBSCRIPTION_MISSING',
    `the broker had no subscription "${pipeline.subscription}"; it is made anew at earliest`,
    {
      where: { topic, partition },
      nextStep:
        'Find out who deleted the subscription, or the topic, and run `pulsehouse audit`: what nobody had read when it went may be gone. The next checkpoint goes on.',
      cause,
    },
  );
}
