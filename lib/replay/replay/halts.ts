import { isPulsehouseError } from '../../pipeline/errors.ts';
import type { Halt, PartitionState } from '../../pipeline/partition-state.ts';
import { type ReplayRecord, replayScope } from '../../pipeline/replay.ts';
import { clearHalt, type HoldDependencies } from '../hold.ts';
import { type ByHand, type PauseDependencies, recordByHand } from '../pause.ts';
import { readStandings } from './conclude.ts';

/**
 * Lets the halted partitions of a replay go on, as `resume` does those of a pipeline; the same cause halts them again.
 * Only ever by hand: what halted has to be looked at first. Answers them as they were.
 */
export async function resumeReplay(
  dependencies: PauseDependencies,
  record: ReplayRecord,
  { by, deadline }: Pick<ByHand, 'by' | 'deadline'>,
): Promise<readonly PartitionState[]> {
  const standings = await readStandings(dependencies, record, deadline);
  const halted = standings.flatMap(({ found }) =>
    found?.halted && found.generation === record.id ? [found] : [],
  );
  for (const one of halted) await clearReplayHalt(dependencies, one, deadline);
  if (halted.length > 0)
    await recordByHand(dependencies, { kind: 'resume', replay: record.id, by }, deadline);
  return halted;
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
