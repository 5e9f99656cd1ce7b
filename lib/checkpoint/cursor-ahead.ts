import { claimLease } from '../leases/fenced-write.ts';
import { partitionItem } from '../leases/items.ts';
import { Lease } from '../leases/lease.ts';
import { ERROR_CODES } from '../pipeline/error-codes.ts';
import { halt } from '../pipeline/partition-transitions.ts';
import { formatPosition, isAfter, type Position } from '../pipeline/position.ts';
import type { SubscriptionState } from '../ports/transport.ts';
import { type CycleContext, persistently } from './context.ts';
import type { SnapshotPartition } from './snapshot.ts';

const CODE = 'PH_HALT_MARK_DELETE_AHEAD';
/** Later than any lease: claiming by this clock takes the partition from a living consumer, which is thereby fenced. */
const END_OF_TIME = 8_640_000_000_000_000;

/** Ends an acknowledgement before anything is acknowledged. */
export class CursorAhead extends Error {
  readonly found: Position;

  constructor(found: Position) {
    super('the cursor is ahead');
    this.found = found;
  }
}

/**
 * A cursor beyond everything we ever told the broker was moved by somebody else (a TTL, a backlog quota, a reset): what
 * it passed may be gone unread. `ledger:-1` is the broker's way to write the end of the ledger before, not an advance.
 */
export function assertNotAhead(told: Position, { markDelete }: SubscriptionState): void {
  if (markDelete.entry !== -1 && isAfter(markDelete, told)) throw new CursorAhead(markDelete);
}

/**
 * Halts the partition; or, where somebody resumed it after the same finding, answers how far the cursor may be.
 * @throws PulsehouseError PH_FENCED when a newer cycle runs: what it told Pulsar is no finding of ours.
 */
export async function haltUnlessSeen(
  context: CycleContext,
  partition: SnapshotPartition,
  told: Position,
  found: Position,
): Promise<Position | undefined> {
  const { state, environment, pipeline, deadline, log, lease } = context;
  await lease.update((cycle) => cycle);
  const standing = await persistently(context, (tryUntil) =>
    state.readPartition(pipeline.name, partition.partition, tryUntil),
  );
  if (!standing || standing.halted) return undefined;
  if (standing.forgotten && !isAfter(found, standing.forgotten)) return found;
  const owner = lease.state.owner ?? environment.uniqueId();
  const item = partitionItem(state, pipeline.name, partition.partition);
  const writeId = environment.uniqueId();
  const claim = { owner, writeId, now: END_OF_TIME, leaseUntil: environment.now() + pipeline.consume.lease };
  const taken = await claimLease(item, claim, environment, deadline);
  if (!taken.taken) return undefined;
  const reason = `Pulsar has forgotten everything up to ${formatPosition(found)}; we acknowledged up to ${formatPosition(told)} and committed up to ${formatPosition(taken.state.committed)}`;
  log.error(`Partition ${partition.partition} halted: ${reason}`, {
    partition: partition.partition,
    code: CODE,
  });
  const seized = new Lease(
    item,
    taken.state,
    { owner, duration: pipeline.consume.lease, deadline },
    environment,
  );
  await seized.release((now) =>
    halt(
      { ...now, forgotten: found },
      { code: CODE, reason, nextStep: ERROR_CODES[CODE].nextStep, position: found, at: environment.now() },
    ),
  );
  return undefined;
}
