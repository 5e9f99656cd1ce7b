import pLimit from 'p-limit';
import { listSnapshots } from '../checkpoint/snapshots.ts';
import { PulsehouseError } from '../pipeline/errors.ts';
import { LAST_OF_ALL, laterOf, type Position } from '../pipeline/position.ts';
import { type BeginDependencies, PARTITIONS_AT_ONCE, type Place } from './context.ts';

/** Rows that were in a table before it got its position columns stand at 0:0. */
const UNPLACED: Position = { ledger: 0, entry: 0 };

/** @throws PulsehouseError PH_STATE_LOST when snapshots tell of a state that is gone. */
export async function refuseSnapshots(
  { pipeline, objects }: BeginDependencies,
  deadline: number,
): Promise<void> {
  const snapshots = await listSnapshots(objects, pipeline.name, deadline);
  if (snapshots.length === 0) return;
  throw new PulsehouseError(
    'PH_STATE_LOST',
    `pipeline ${pipeline.name} has no state, and ${snapshots.length} snapshots of one, the newest number ${snapshots.at(-1)}`,
    { where: { pipeline: pipeline.name } },
  );
}

/**
 * Rows of messages that would be read from here on say that somebody has written them already.
 * @throws PulsehouseError PH_STATE_LOST
 */
export async function refuseRowsAbove(
  { pipeline, sink }: BeginDependencies,
  places: readonly Place[],
  deadline: number,
): Promise<void> {
  const limit = pLimit(PARTITIONS_AT_ONCE);
  const counts = await limit.map([...places], async ({ partition, markDelete }) => {
    const range = { partition, after: laterOf(markDelete, UNPLACED), to: LAST_OF_ALL };
    const { rows } = await sink.countRows(range, deadline);
    return rows;
  });
  const rows = counts.reduce((sum, count) => sum + count, 0);
  if (rows === 0) return;
  throw new PulsehouseError(
    'PH_STATE_LOST',
    `pipeline ${pipeline.name} has no state, and ${sink.table} holds ${rows} rows of messages that it would read`,
    { where: { pipeline: pipeline.name, table: sink.table } },
  );
}
