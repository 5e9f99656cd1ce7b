import pLimit from 'p-limit';
import { hasLivingOwner } from '../leases/held.ts';
import { isPulsehouseError, messageOf } from '../pipeline/errors.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import { endsBefore, isAfter, type Position } from '../pipeline/position.ts';
import { needsSuccessor } from '../pipeline/succession.ts';
import { askEach, briefly } from './ask-each.ts';
import type { CycleContext } from './context.ts';

const REQUESTS_AT_ONCE = 32;
/** Part of the cycle's time in which partitions may answer; one that does not is unknown to this cycle. */
const LOOKING_SHARE = 0.25;

/** What a partition asks of this cycle. */
export interface Work {
  readonly state: PartitionState;
  /** Entries above the committed position, or batches in flight whose fate is open; undefined where nobody answered. */
  readonly pending: boolean | undefined;
  /** A consumer holds it: it sees the flush request by itself. */
  readonly held: boolean;
}

/**
 * Looks at every partition by itself: one last-position request each, none for those halted or with batches in flight.
 * Those that do not answer are among the cycle's troubles.
 */
export async function findWork(
  context: CycleContext,
  states: readonly PartitionState[],
): Promise<readonly Work[]> {
  const { transport, environment, deadline, troubles } = context;
  const until = environment.now() + (deadline - environment.now()) * LOOKING_SHARE;
  const asked = states.filter((state) => !state.halted && state.inFlight.length === 0);
  const { answers, unanswered } = await askEach(environment, asked, ({ topic }) =>
    briefly(environment, until, (tryUntil) => transport.lastPosition(topic, tryUntil)),
  );
  troubles.addAll(unanswered);
  return states.map((state) => workOf(context, state, answers.get(state.partition)));
}

function workOf({ environment, pipeline }: CycleContext, state: PartitionState, last?: Position): Work {
  if (state.halted) return { state, pending: false, held: false };
  // A living consumer renews before half of its lease has passed; one that has little left may be dead.
  const held =
    hasLivingOwner(state, environment) && state.leaseUntil - environment.now() > pipeline.consume.lease / 3;
  if (state.inFlight.length > 0) return { state, pending: true, held };
  if (last === undefined) return { state, pending: undefined, held };
  // Another topic under the name of ours: a consumer finds out, and halts.
  const pending = isAfter(last, state.committed) || endsBefore(last, state.committed);
  return { state, pending, held };
}

/**
 * Starts a consumer for each of these partitions. A failed start is left to the next cycle, and a refused one ends the starting: it is the function
 * that cannot be started, not the partition.
 */
export async function invokeConsumers(
  context: CycleContext,
  wanted: readonly Work[],
): Promise<readonly number[]> {
  const { invoker, pipeline, deadline, log, troubles } = context;
  let refused = false;
  const limit = pLimit(REQUESTS_AT_ONCE);
  const started = await Promise.all(
    wanted.map(({ state: { partition } }) =>
      limit(async () => {
        if (refused) return [];
        try {
          await invoker.invoke(pipeline.name, partition, deadline);
          return [partition];
        } catch (error) {
          log.error(`No consumer could be started for partition ${partition}: ${messageOf(error)}`, {
            partition,
            error,
          });
          if (isPulsehouseError(error) && error.kind === 'terminal') {
            if (!refused) troubles.add(error);
            refused = true;
          }
          return [];
        }
      }),
    ),
  );
  return started.flat();
}

/** Pending and not held; in follow mode also idle, or held by one that is about to end. */
export function wantsConsumer(
  { pipeline, environment }: CycleContext,
  { state, pending, held }: Work,
): boolean {
  if (state.halted) return false;
  const follow = pipeline.consume.mode === 'follow';
  if (held) return follow && needsSuccessor(state, environment.now());
  // Whoever does not answer the cycle would not answer a consumer.
  return pending !== undefined && (pending || follow);
}
