import pLimit from 'p-limit';
import { messageOf } from '../pipeline/errors.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import { isAfter } from '../pipeline/position.ts';
import { type CycleContext, persistently } from './context.ts';

const REQUESTS_AT_ONCE = 32;

/** What a partition asks of this cycle. */
export interface Work {
  readonly state: PartitionState;
  /** Entries above the committed position, or batches in flight whose fate is open. */
  readonly pending: boolean;
  /** A consumer holds it: it sees the flush request by itself. */
  readonly held: boolean;
}

/** Looks at every partition: one last-position request each, none for those halted or in flight anyway. */
export async function findWork(
  context: CycleContext,
  states: readonly PartitionState[],
): Promise<readonly Work[]> {
  const limit = pLimit(REQUESTS_AT_ONCE);
  return Promise.all(states.map((state) => limit(() => workOf(context, state))));
}

async function workOf(context: CycleContext, state: PartitionState): Promise<Work> {
  const { transport, environment, pipeline } = context;
  if (state.halted) return { state, pending: false, held: false };
  // A living consumer renews long before half its lease is left; one that has less may be dead.
  const held = state.owner !== undefined && state.leaseUntil - environment.now() > pipeline.consume.lease / 2;
  if (held || state.inFlight.length > 0) return { state, pending: true, held };
  const last = await persistently(context, (deadline) => transport.lastPosition(state.topic, deadline));
  return { state, pending: isAfter(last, state.committed), held };
}

/** Starts a consumer for each pending partition that has none. A failed start is told and left to the next cycle. */
export async function invokeConsumers(
  context: CycleContext,
  work: readonly Work[],
): Promise<readonly number[]> {
  const { invoker, pipeline, deadline, log } = context;
  const limit = pLimit(REQUESTS_AT_ONCE);
  const wanted = work.filter(({ pending, held }) => pending && !held).map(({ state }) => state.partition);
  const started = await Promise.all(
    wanted.map((partition) =>
      limit(async () => {
        try {
          await invoker.invoke(pipeline.name, partition, deadline);
          return [partition];
        } catch (error) {
          log.error(`No consumer could be started for partition ${partition}: ${messageOf(error)}`, {
            partition,
            error,
          });
          return [];
        }
      }),
    ),
  );
  return started.flat();
}
