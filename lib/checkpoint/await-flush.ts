import type { PartitionState } from '../pipeline/partition-state.ts';
import { type CycleContext, persistently } from './context.ts';

const LOOK_EVERY = 200;

/**
 * Waits until each of the partitions has flushed the checkpoint or halted, at most until `until` (ms since the epoch).
 * Answers those that had not: they are listed, not waited for, and the snapshot says where they stood.
 */
export async function awaitFlush(
  context: CycleContext,
  number: number,
  partitions: readonly number[],
  until: number,
): Promise<readonly number[]> {
  const { environment, lease } = context;
  const waiting = new Set(partitions);
  while (waiting.size > 0) {
    for (const state of await readStates(context)) {
      if (state.flushed >= number || state.halted) waiting.delete(state.partition);
    }
    if (waiting.size === 0 || environment.now() >= until) break;
    await lease.renewIfDue();
    await environment.sleep(Math.min(LOOK_EVERY, Math.max(1, until - environment.now())));
  }
  return [...waiting].sort((a, b) => a - b);
}

/** Every partition's state, consistently read. */
export function readStates(context: CycleContext): Promise<readonly PartitionState[]> {
  const { state, pipeline, lease } = context;
  return persistently(context, (deadline) =>
    state.readPartitions(pipeline.name, lease.state.partitions, deadline),
  );
}
