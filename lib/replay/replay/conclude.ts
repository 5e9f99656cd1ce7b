import type { PartitionState } from '../../pipeline/partition-state.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import { comparePositions } from '../../pipeline/position.ts';
import { partitionsOf, type ReplayRecord, rangesOf, replayScope } from '../../pipeline/replay.ts';
import type { Environment } from '../../ports/environment.ts';
import type { ReplayStore } from '../../ports/replay-store.ts';
import type { StateStore } from '../../ports/state-store.ts';

export interface ConcludeDependencies {
  readonly pipeline: Pipeline;
  readonly replays: ReplayStore;
  readonly state: StateStore;
  readonly environment: Environment;
}

export interface Conclusion {
  /** As it stands now. */
  readonly record: ReplayRecord;
  /** Nothing of it is left to be done: it is complete, or was cancelled. */
  readonly done: boolean;
}

/** How far one partition is; undefined where it was not begun. */
export interface PartitionStanding {
  readonly partition: number;
  readonly found: PartitionState | undefined;
}

export async function readStandings(
  { pipeline, state }: Pick<ConcludeDependencies, 'pipeline' | 'state'>,
  record: ReplayRecord,
  deadline: number,
): Promise<readonly PartitionStanding[]> {
  const partitions = partitionsOf(record);
  const states = await state.readPartitions(replayScope(pipeline.name), partitions, deadline);
  const found = new Map(states.map((one) => [one.partition, one]));
  return partitions.map((partition) => ({ partition, found: found.get(partition) }));
}

/** Whether a partition has gone through its ranges. */
export function isDone({ partition, found }: PartitionStanding, record: ReplayRecord): boolean {
  const last = rangesOf(record, partition).at(-1);
  if (!last) return true;
  return found?.generation === record.id && comparePositions(found.committed, last.to) >= 0;
}

/** Ends a replay that has gone through all of its partitions. */
export async function conclude(
  dependencies: ConcludeDependencies,
  record: ReplayRecord,
  deadline: number,
): Promise<Conclusion> {
  const { pipeline, replays, environment } = dependencies;
  const standings = await readStandings(dependencies, record, deadline);
  const isThrough = standings.every((standing) => isDone(standing, record));
  const stands = isThrough
    ? await replays.endReplay(pipeline.name, record.id, 'complete', environment.now(), deadline)
    : await replays.readReplay(pipeline.name, record.id, deadline);
  return { record: stands ?? record, done: isThrough || stands?.status === 'cancelled' };
}
