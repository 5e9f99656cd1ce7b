import { askEach, briefly } from '../checkpoint/ask-each.ts';
import { isPulsehouseError } from '../pipeline/errors.ts';
import type { Diagnosis } from './diagnosis.ts';
import { plural } from './format.ts';
import type { Session } from './session.ts';

type Finding = Omit<Diagnosis, 'check'>;

const NAMED = 20;

/** Whether Pulsar holds for every partition what is not read yet. Asking makes no subscription and moves none. */
export async function diagnoseSubscriptions(
  {
    state,
    transport,
    pipeline,
    environment,
  }: Pick<Session, 'state' | 'transport' | 'pipeline' | 'environment'>,
  deadline: number,
): Promise<readonly Finding[]> {
  const { subscription } = pipeline;
  const cycle = await state.readCycle(pipeline.name, deadline);
  if (!cycle) return [];
  const { states } = await state.readEachPartition(pipeline.name, cycle.partitions, deadline);
  const { answers, unanswered } = await askEach(environment, states, async ({ topic }) => {
    try {
      const question = (until: number) => transport.subscriptionState(topic, subscription, until);
      return (await briefly(environment, deadline, question)) !== undefined;
    } catch (error) {
      // Somebody is connected to it: it exists.
      if (isPulsehouseError(error) && error.code === 'PH_PULSAR_CONSUMER_BUSY') return true;
      throw error;
    }
  });
  const missing = [...answers].filter(([, exists]) => !exists).map(([partition]) => partition);
  const found: Finding[] = unanswered.map(({ partition, error }) => ({
    verdict: 'wrong',
    message: `partition ${partition}: ${error.message}`,
    fix: error.nextStep,
  }));
  if (missing.length > 0) found.push(missingOf(subscription, missing));
  if (found.length > 0) return found;
  return [{ verdict: 'good', message: `"${subscription}" on ${plural(states.length, 'partition')}` }];
}

function missingOf(subscription: string, missing: readonly number[]): Finding {
  const partitions = missing.toSorted((a, b) => a - b);
  const more = partitions.length > NAMED ? ` and ${partitions.length - NAMED} more` : '';
  return {
    verdict: 'wrong',
    message: `Pulsar has no subscription "${subscription}" for partition ${partitions.slice(0, NAMED).join(', ')}${more}, and keeps nothing that is not read yet`,
    fix: 'If `subscription` was changed in the file, put it back. Otherwise find out who deleted it, or the topic. `pulsehouse init` makes it at earliest, and so does the next checkpoint; then `pulsehouse audit`.',
  };
}
