import pLimit from 'p-limit';
import { hasLivingOwner } from '../leases/held.ts';
import { messageOf } from '../pipeline/errors.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import { endsBefore, isAfter } from '../pipeline/position.ts';
import { needsSuccessor } from '../pipeline/succession.ts';
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

/** Looks at every partition: one last-position request each, none for those halted or with batches in flight. */
export async function findWork(
  context: CycleContext,
  states: readonly PartitionState[],
): Promise<readonly Work[]> {
  const limit = pLimit(REQUESTS_AT_ONCE);
  return Promise.all(states.map((state) => limit(() => workOf(context, state))));
}

async function workOf(context: CycleContext, state: PartitionState): Promise<Work> {
  const { transport, environment, pipeline, lease } = context;
  if (state.halted) return { state, pending: false, held: false };
  // A living consumer renews long before half its lease is left; one that has less may be dead.
  const held =
    hasLivingOwner(state, environment) && state.leaseUntil - environment.now() > pipeline.consume.lease / 2;
  if (state.inFlight.length > 0) return { state, pending: true, held };
  // Thousands of partitions on a slow broker take longer than the cycle's lease lasts.
  await lease.renewIfDue();
  const last = await persistently(context, (deadline) => transport.lastPosition(state.topic, deadline));
  // Another topic under the name of ours: a consumer finds out, and halts.
  const pending = isAfter(last, state.committed) || endsBefore(last, state.committed);
  return { state, pending, held };
}

/**
 * Starts a consumer for each partition that wants one: pending and not held; in follow mode also idle, or held by one
 * that is about to end. A failed start is told and left to the next cycle.
 */
export async function invokeConsumers(
  context: CycleContext,
  work: readonly Work[],
): Promise<readonly number[]> {
  const { invoker, pipeline, deadline, log } = context;
  const limit = pLimit(REQUESTS_AT_ONCE);
  const wanted = work.filter((one) => wantsConsumer(context, one)).map(({ state }) => state.partition);
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

function wantsConsumer({ pipeline, environment }: CycleContext, { state, pending, held }: Work): boolean {
  if (state.halted) return false;
  const follow = pipeline.consume.mode === 'follow';
  return held ? follow && needsSuccessor(state, environment.now()) : pending || follow;
}
