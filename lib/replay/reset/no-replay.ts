import { PulsehouseError } from '../../pipeline/errors.ts';
import { isAfter, type Position } from '../../pipeline/position.ts';
import { type ReplayRecord, rangesOf, replayScope } from '../../pipeline/replay.ts';
import { isOwnTable, type PlanDependencies } from '../replay/plan.ts';

const REPLAYS_CONSIDERED = 100;

/**
 * A replay that reaches above a reset's position would write rows there that the consumer is about to write itself. It
 * counts until nothing of it can arrive any more: one that was cancelled may still have batches in flight.
 * @throws PulsehouseError PH_REPLAY_BUSY
 */
export async function assertNoReplay(
  { pipeline, replays, state, environment }: PlanDependencies,
  positions: ReadonlyMap<number, Position>,
  deadline: number,
): Promise<void> {
  const records = (await replays.readReplays(pipeline.name, REPLAYS_CONSIDERED, deadline)).filter((record) =>
    isOwnTable(pipeline, record),
  );
  const reaches = (record: ReplayRecord, partition: number, to: Position) =>
    rangesOf(record, partition).some((range) => isAfter(range.to, to));
  for (const [partition, to] of positions) {
    const running = records.find((record) => record.status === 'running' && reaches(record, partition, to));
    if (running) throw busy(running, partition, 'is still running');
    const found = await state.readPartition(replayScope(pipeline.name), partition, deadline);
    const last = records.find(({ id }) => id === found?.generation);
    if (!found || !last || !reaches(last, partition, to)) continue;
    const isHeld = found.owner !== undefined && found.leaseUntil > environment.now();
    if (found.inFlight.length > 0 || isHeld) throw busy(last, partition, 'has not ended its work');
  }
}

function busy({ id, mode }: ReplayRecord, partition: number, why: string): PulsehouseError {
  return new PulsehouseError('PH_REPLAY_BUSY', `replay ${id} (${mode}) ${why} above the position asked for`, {
    where: { partition },
    nextStep: `Carry it on with \`pulsehouse replay --continue ${id}\`, or give it up with --cancel ${id}; then give the same command again.`,
  });
}
