import { isHeld } from '../../leases/held.ts';
import { partitionItem } from '../../leases/items.ts';
import { takeLease } from '../../leases/lease.ts';
import { PulsehouseError } from '../../pipeline/errors.ts';
import { CLOCK_MARGIN, queryIdPrefix } from '../../pipeline/intent.ts';
import type { PartitionState } from '../../pipeline/partition-state.ts';
import { partitionsOf, type ReplayRecord, replayScope } from '../../pipeline/replay.ts';
import { clearReplayHalt } from './halts.ts';
import type { PlanDependencies } from './plan.ts';
import { goThroughPartitions, type ReplayRun } from './replay.ts';
import type { ReplayTarget } from './replay-partition.ts';

const LOOK_AGAIN = 500;

/**
 * Gives a replay up. What it inserted stays. Whoever works on it is told to stop, and what it has in flight is settled, so
 * that nothing of it can arrive later; cut off, it is given again. One that is complete stays so.
 * @throws PulsehouseError PH_REPLAY_BUSY when the deadline passes before whoever works on it has let go.
 */
export async function cancelReplay(
  dependencies: PlanDependencies,
  record: ReplayRecord,
  target: ReplayTarget,
  run: Pick<ReplayRun, 'owner' | 'deadline'>,
): Promise<ReplayRecord> {
  const { replays, pipeline, environment } = dependencies;
  const stands = await replays.endReplay(
    pipeline.name,
    record.id,
    'cancelled',
    environment.now(),
    run.deadline,
  );
  if (stands?.status === 'complete') return stands;
  for (const partition of partitionsOf(record)) {
    await untilNothingInFlight(dependencies, record, partition, target, run);
  }
  return stands ?? record;
}

async function untilNothingInFlight(
  dependencies: PlanDependencies,
  record: ReplayRecord,
  partition: number,
  target: ReplayTarget,
  run: Pick<ReplayRun, 'owner' | 'deadline'>,
): Promise<void> {
  const { state, pipeline, environment } = dependencies;
  for (;;) {
    const found = await state.readPartition(replayScope(pipeline.name), partition, run.deadline);
    if (found?.generation !== record.id) return;
    const held = isHeld(found, environment);
    if (!held && found.inFlight.length === 0) return;
    if (environment.now() + LOOK_AGAIN >= run.deadline) {
      throw new PulsehouseError('PH_REPLAY_BUSY', `partition ${partition} is still held by ${found.owner}`, {
        nextStep: 'It is cancelled and ends by itself; give --cancel again to wait for it.',
      });
    }
    if (held) await environment.sleep(LOOK_AGAIN);
    else await settle(dependencies, record, found, target, run);
  }
}

/** Brings what is in flight to its end, or, where the table takes it no more, makes sure that nothing of it arrives. */
async function settle(
  dependencies: PlanDependencies,
  record: ReplayRecord,
  found: PartitionState,
  target: ReplayTarget,
  run: Pick<ReplayRun, 'owner' | 'deadline'>,
): Promise<void> {
  const { partition } = found;
  if (found.halted) await clearReplayHalt(dependencies, found, run.deadline);
  const stopped = { ...run, partitions: [partition], stop: AbortSignal.abort() };
  const [result] = await goThroughPartitions(dependencies, record, target, stopped);
  if (result?.outcome === 'halted') await forgo(dependencies, partition, record, target, run);
}

/** An insert sent earlier can be carried out until its `notAfter`, and one begun before that until it is killed. */
async function forgo(
  { state, pipeline, environment }: PlanDependencies,
  partition: number,
  record: ReplayRecord,
  { sink }: ReplayTarget,
  { owner, deadline }: Pick<ReplayRun, 'owner' | 'deadline'>,
): Promise<void> {
  const name = replayScope(pipeline.name);
  const halted = await state.readPartition(name, partition, deadline);
  if (halted?.halted) await clearReplayHalt({ state, pipeline, environment }, halted, deadline);
  const terms = { owner: `${owner}/forgo`, duration: pipeline.consume.lease, deadline };
  const taken = await takeLease(partitionItem(state, name, partition), terms, environment);
  if (!taken.taken) return;
  const { lease } = taken;
  const { generation, inFlight } = lease.state;
  if (generation === record.id) {
    const notAfter = Math.max(...inFlight.map((intent) => intent.notAfter)) + CLOCK_MARGIN;
    while ((await sink.serverNow(deadline)) < notAfter) {
      await lease.renewIfDue();
      await environment.sleep(LOOK_AGAIN);
    }
    for (const intent of inFlight) await sink.kill(queryIdPrefix(name, partition, intent), deadline);
  }
  await lease.release((now) => (generation === record.id ? { ...now, inFlight: [] } : now));
}
