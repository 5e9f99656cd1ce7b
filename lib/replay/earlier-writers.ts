import { CLOCK_MARGIN } from '../pipeline/intent.ts';
import type { PlanDependencies } from './replay/plan.ts';

/** Clocks of functions differ by less. */
const CLOCKS_APART = 60_000;

/**
 * Nothing that a writer sent before `since` (ms since the epoch) can store anything once this returns: what still travels
 * is past its time after the longest an insert may take, and what runs is killed. For where tokens keep no copy of it out.
 */
export async function outliveEarlierWriters(
  { sink, environment, pipeline }: PlanDependencies,
  since: number,
  deadline: number,
): Promise<void> {
  const end = since + pipeline.batch.insertTimeout + CLOCK_MARGIN;
  const left = end - environment.now();
  if (left > 0) await environment.sleep(left);
  await sink.kill(`${pipeline.name}/`, deadline);
}

/**
 * A table that was emptied forgot its tokens, and with them what kept the second copy of a committed batch out: before rows
 * are brought back, no such copy may be under way. Only where a partition halted lately; otherwise none can be.
 */
export async function outliveForgottenTokens(
  dependencies: PlanDependencies,
  deadline: number,
): Promise<void> {
  const { state, pipeline, environment, log } = dependencies;
  const cycle = await state.readCycle(pipeline.name, deadline);
  const states = await state.readPartitions(pipeline.name, cycle?.partitions ?? 0, deadline);
  const now = environment.now();
  const recently = now - pipeline.batch.insertTimeout - CLOCKS_APART;
  if (!states.some(({ halted }) => halted?.code === 'PH_HALT_TABLE_BEHIND' && halted.at > recently)) return;
  log.info('Waiting until nothing that was sent before the table lost its rows can be stored any more', {
    milliseconds: pipeline.batch.insertTimeout,
  });
  await outliveEarlierWriters(dependencies, now, deadline);
}
