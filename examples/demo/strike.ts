import type { Pipeline } from '../../lib/pipeline/pipeline.ts';
import { comparePositions } from '../../lib/pipeline/position.ts';
import type { Environment } from '../../lib/ports/environment.ts';
import type { StateStore } from '../../lib/ports/state-store.ts';

export interface Watching {
  readonly pipeline: Pipeline;
  readonly state: StateStore;
  readonly environment: Environment;
}

const LOOK_AGAIN = 10;
const PATIENCE = 60_000;

/**
 * Kills the consumer of a partition while a batch of it is intended and not committed: it is stopped first, so that
 * what the state says then stays true until the kill. Resolves with a question for how long recovery took.
 */
export async function killMidBatch(
  { pipeline, state, environment }: Watching,
  partition: number,
  pid: number,
): Promise<{ recovered(): Promise<number> }> {
  const deadline = environment.now() + PATIENCE;
  const read = () => state.readPartition(pipeline.name, partition, environment.now() + 5_000);
  for (;;) {
    process.kill(pid, 'SIGSTOP');
    const struck = await read();
    if (struck && struck.inFlight.length > 0) {
      process.kill(pid, 'SIGKILL');
      const killedAt = environment.now();
      return {
        recovered: async () => {
          for (;;) {
            const found = await read();
            const flows = found && comparePositions(found.committed, struck.committed) > 0;
            if (flows && found.epoch > struck.epoch) return environment.now() - killedAt;
            if (environment.now() > killedAt + PATIENCE) {
              throw new Error(`partition ${partition} did not go on within ${PATIENCE / 1000} s of the kill`);
            }
            await environment.sleep(LOOK_AGAIN);
          }
        },
      };
    }
    process.kill(pid, 'SIGCONT');
    if (environment.now() > deadline) throw new Error(`partition ${partition} never had a batch in flight`);
    await environment.sleep(LOOK_AGAIN);
  }
}
