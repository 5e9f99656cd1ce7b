import { isPulsehouseError } from '../../pipeline/errors.ts';
import type { Halt, PartitionState } from '../../pipeline/partition-state.ts';
import { type ReplayRecord, replayScope } from '../../pipeline/replay.ts';
import { clearHalt, type HoldDependencies } from '../hold.ts';
import { type ByHand, type PauseDependencies, recordByHand } from '../pause.ts';
import { findRunningReplay } from './carry-on.ts';
import { type ConcludeDependencies, type PartitionStanding, readStandings } from './conclude.ts';

/**
 * Lets the halted partitions of a replay go on, as `resume` does those of a pipeline; the same cause halts them again.
 * Only ever by hand: what halted has to be looked at first. Answers them as they were.
 */
export async function resumeReplay(
  dependencies: PauseDependencies,
  record: ReplayRecord,
  { by, deadline }: Pick<ByHand, 'by' | 'deadline'>,
): Promise<readonly PartitionState[]> {
  const halted = haltedOf(record, await readStandings(dependencies, record, deadline));
  for (const one of halted) await clearReplayHalt(dependencies, one, deadline);
  if (halted.length > 0)
    await recordByHand(dependencies, { kind: 'resume', replay: record.id, by }, deadline);
  return halted;
}

/** A halt that an earlier replay left behind is none of this one's. */
function haltedOf({ id }: ReplayRecord, standings: readonly PartitionStanding[]): readonly PartitionState[] {
  return standings.flatMap(({ found }) => (found?.halted && found.generation === id ? [found] : []));
}

/** Partitions of the running replay that wait for a person; 0 where none runs. */
export async function countHaltedOfReplay(
  dependencies: Pick<ConcludeDependencies, 'pipeline' | 'replays' | 'state'>,
  deadline: number,
): Promise<number> {
  const record = await findRunningReplay(dependencies, deadline);
  if (!record) return 0;
  return haltedOf(record, await readStandings(dependencies, record, deadline)).length;
}

/** `found` is a state of the replays' scope. Whoever else changed it meanwhile cleared it, or works on it already. */
export async function clearReplayHalt(
  dependencies: HoldDependencies,
  found: PartitionState,
  deadline: number,
): Promise<void> {
  const { pipeline } = dependencies;
  const scoped = { ...dependencies, pipeline: { ...pipeline, name: replayScope(pipeline.name) } };
  try {
    await clearHalt(scoped, found, deadline);
  } catch (error) {
    if (!isPulsehouseError(error) || error.code !== 'PH_FENCED') throw error;
  }
}

/** What to do about a halt of a replay: `resume` is for the pipeline's own partitions. */
export function nextStepOf(halt: Halt, replay: string): string {
  const goesOn = `\`pulsehouse replay --continue ${replay}\``;
  const step = halt.nextStep.replaceAll('`pulsehouse resume`', goesOn);
  return step.includes(goesOn) ? step : `${step} Then ${goesOn}.`;
}
