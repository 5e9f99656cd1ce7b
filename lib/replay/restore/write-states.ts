import pLimit from 'p-limit';
import type { Snapshot, SnapshotPartition } from '../../checkpoint/snapshot.ts';
import { newCycleState } from '../../pipeline/cycle-transitions.ts';
import type { PartitionState } from '../../pipeline/partition-state.ts';
import { newPartitionState } from '../../pipeline/partition-transitions.ts';
import { BEFORE_ALL, isAfter, isSamePosition } from '../../pipeline/position.ts';
import { holdCycle, seizePartition } from '../hold.ts';
import type { ByHand } from '../pause.ts';
import type { PlanDependencies } from '../replay/plan.ts';
import { EPOCHS_AHEAD } from './claim.ts';

const LEASE = 60_000;
const PARTITIONS_AT_ONCE = 8;

/** The pipeline is held, and whoever works from a state that was there is fenced. */
export async function writeStates(
  dependencies: PlanDependencies,
  claimed: Snapshot,
  { owner, deadline }: Pick<ByHand, 'owner' | 'deadline'>,
): Promise<void> {
  const { state, pipeline, environment } = dependencies;
  const cycle = {
    ...newCycleState({
      pipeline: pipeline.name,
      generation: claimed.generation,
      partitions: claimed.partitions.length,
      writeId: environment.uniqueId(),
    }),
    epoch: Math.max(...claimed.partitions.map(({ epoch }) => epoch)),
    flushRequested: claimed.number,
    latest: claimed.number,
    opened: claimed.number,
    acknowledging: claimed.number,
    // What Pulsar was told is not known, unless a state is left that says so: the next cycle tells it what the claimed
    // snapshot says.
    acknowledged: 0,
    paused: true,
  };
  const created = await state.createCycle(cycle, deadline);
  if (!created.written) {
    const held = await holdCycle(dependencies, owner, deadline);
    await held.release((standing) => ({
      ...beginningOf(standing, cycle),
      acknowledged: Math.min(standing.acknowledged, claimed.previous?.number ?? 0),
    }));
  }
  await pLimit(PARTITIONS_AT_ONCE).map([...claimed.partitions], (partition) =>
    writeState(dependencies, claimed, partition, owner, deadline),
  );
}

async function writeState(
  dependencies: PlanDependencies,
  claimed: Snapshot,
  then: SnapshotPartition,
  owner: string,
  deadline: number,
): Promise<void> {
  const { state, pipeline, environment, transport } = dependencies;
  const { markDelete } = await transport.ensureSubscription(
    then.topic,
    pipeline.subscription,
    isSamePosition(then.committed, BEFORE_ALL)
      ? { at: 'earliest' }
      : { at: 'position', position: then.committed },
    deadline,
  );
  const fresh: PartitionState = {
    ...newPartitionState({
      pipeline: pipeline.name,
      partition: then.partition,
      topic: then.topic,
      generation: claimed.generation,
      cluster: then.cluster,
      origin: then.origin,
      writeId: environment.uniqueId(),
    }),
    epoch: then.epoch,
    committed: then.committed,
    committedPublishTime: then.committedPublishTime,
    flushed: claimed.number,
    totals: then.totals,
    forgotten: isAfter(markDelete, then.committed) ? markDelete : undefined,
  };
  const created = await state.createPartition(fresh, deadline);
  if (created.written || !created.found) return;
  const terms = { owner: `${owner}/restore`, duration: LEASE, deadline };
  const lease = await seizePartition(dependencies, created.found, terms, EPOCHS_AHEAD);
  await lease.release((standing) => beginningOf(standing, fresh));
}

type Leased = Pick<PartitionState, 'generation' | 'epoch' | 'version' | 'writeId' | 'owner' | 'leaseUntil'>;

/**
 * A state that begins anew under the lease of the one that is there. One that this restore wrote itself before it was cut
 * off keeps the fields that a later version has added to it since.
 */
function beginningOf<State extends Leased>(standing: State, fresh: State): State {
  const { epoch, version, writeId, owner, leaseUntil } = standing;
  const own = standing.generation === fresh.generation ? standing : undefined;
  return { ...own, ...fresh, ...{ epoch, version, writeId, owner, leaseUntil } };
}
