import { messageOf } from '../pipeline/errors.ts';
import type { Log } from '../ports/log.ts';
import { findReplayWork } from '../replay/replay/carry-on.ts';
import type { ConcludeDependencies } from '../replay/replay/conclude.ts';
import type { LambdaInvoker } from './invoker.ts';

/**
 * Starts an invocation of the replay function for each partition of a begun replay that wants one. Never fails the cycle
 * beside it: what could not be started is found again by the next tick.
 */
export async function carryReplaysOn(
  dependencies: ConcludeDependencies & { readonly log: Log },
  invoker: LambdaInvoker,
  functionName: string,
  deadline: number,
): Promise<void> {
  const { pipeline, log } = dependencies;
  try {
    const work = await findReplayWork(dependencies, deadline);
    if (!work) return;
    const { record, partitions } = work;
    log.info(`Replay ${record.id} (${record.mode}) is carried on`, { replay: record.id, partitions });
    const started = await Promise.allSettled(
      partitions.map((partition) =>
        invoker.start(functionName, { pipeline: pipeline.name, partition, continue: record.id }, deadline),
      ),
    );
    const failed = started.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
  } catch (error) {
    log.error(`A replay could not be carried on: ${messageOf(error)}`, { error });
  }
}
