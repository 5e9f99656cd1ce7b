import { isHeld } from '../../leases/held.ts';
import type { PartitionState } from '../../pipeline/partition-state.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import type { ReplayRecord } from '../../pipeline/replay.ts';
import { exclusionsDigest } from '../comparison/absence.ts';
import { type ConcludeDependencies, conclude, isDone, readStandings } from './conclude.ts';

/** A replay that wants somebody to go on with it. */
export interface ReplayWork {
  readonly record: ReplayRecord;
  /** Those that are not done, not halted, and that nobody works on; never empty. */
  readonly partitions: readonly number[];
}

/** A pipeline has one replay at a time, so the running one is among the newest. */
const REPLAYS_CONSIDERED = 5;
/** Partitions worked on at once, those under way counted: a replay takes its time, consumers must not wait for it. */
export const PARTITIONS_AT_WORK = 64;

/** The one that was begun and has not ended. */
export async function findRunningReplay(
  { pipeline, replays }: Pick<ConcludeDependencies, 'pipeline' | 'replays'>,
  deadline: number,
): Promise<ReplayRecord | undefined> {
  const newest = await replays.readReplays(pipeline.name, REPLAYS_CONSIDERED, deadline);
  return newest.findLast(({ status }) => status === 'running');
}

/** What a running replay waits for, besides its halted partitions; undefined: it can be carried on. */
export function waitsFor(pipeline: Pipeline, record: ReplayRecord, paused: boolean): string | undefined {
  if (record.exclusions !== exclusionsDigest(pipeline)) {
    return 'somebody to cancel it: audit.exclusions was changed since it was planned';
  }
  return record.mode === 'replace' && !paused ? 'the pipeline to be paused' : undefined;
}

/**
 * What the schedule has to carry on, whoever began it and however it was cut off: the one place that decides it, for a
 * deployed pipeline as for a plain process. One query while no replay runs. A halted partition waits for a person, and a
 * `replace` for the pipeline to be paused again. A replay of which nothing is left is ended here.
 */
export async function findReplayWork(
  dependencies: ConcludeDependencies,
  deadline: number,
): Promise<ReplayWork | undefined> {
  const { pipeline, state, environment } = dependencies;
  const record = await findRunningReplay(dependencies, deadline);
  if (!record) return undefined;
  const standings = await readStandings(dependencies, record, deadline);
  const left = standings.filter((standing) => !isDone(standing, record));
  if (left.length === 0) {
    await conclude(dependencies, record, deadline);
    return undefined;
  }
  const paused =
    record.mode === 'replace' && (await state.readCycle(pipeline.name, deadline))?.paused === true;
  if (waitsFor(pipeline, record, paused) !== undefined) return undefined;
  const held = left.filter(({ found }) => isHeld(found, environment)).length;
  const partitions = left
    .filter(({ found }) => !isHeld(found, environment) && !isHalted(found, record))
    .slice(0, Math.max(0, PARTITIONS_AT_WORK - held))
    .map(({ partition }) => partition);
  return partitions.length > 0 ? { record, partitions } : undefined;
}

/** A halt that an earlier replay left behind is none of this one's. */
function isHalted(found: PartitionState | undefined, { id }: ReplayRecord): boolean {
  return found?.halted !== undefined && found.generation === id;
}
