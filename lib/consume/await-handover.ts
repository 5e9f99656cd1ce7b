import { isHeld } from '../leases/held.ts';
import { needsSuccessor } from '../pipeline/succession.ts';
import { askAgain, type ConsumeDependencies } from './context.ts';

const LOOK_EVERY = 250;

/**
 * Waits until a predecessor that is about to end has given the lease back or has let it run out; returns at once when
 * there is none or it stays. So one consumer follows the other without a gap, and a tick too many ends as `busy`.
 */
export async function awaitHandover(
  { pipeline, state, environment }: ConsumeDependencies,
  partition: number,
  deadline: number,
): Promise<void> {
  for (;;) {
    const found = await askAgain(environment, deadline, (until) =>
      state.readPartition(pipeline.name, partition, until),
    );
    const now = environment.now();
    if (!found || !needsSuccessor(found, now) || !isHeld(found, environment) || now >= deadline) return;
    await environment.sleep(LOOK_EVERY);
  }
}
