import { type HealthDependencies, measureHealth } from '../checkpoint/health.ts';
import { messageOf } from '../pipeline/errors.ts';
import type { Log } from '../ports/log.ts';
import type { ReplayStore } from '../ports/replay-store.ts';
import { countHaltedOfReplay } from '../replay/replay/halts.ts';
import { METRICS } from './metric-names.ts';
import { publishMetrics } from './metrics.ts';

/** Tells CloudWatch how a pipeline is. Never fails the cycle it comes after: what alarms then see is its silence. */
export async function reportHealth(
  dependencies: HealthDependencies & { readonly replays: ReplayStore; readonly log: Log },
  deadline: number,
): Promise<void> {
  try {
    const [health, haltedOfReplay] = await Promise.all([
      measureHealth(dependencies, deadline),
      countHaltedOfReplay(dependencies, deadline),
    ]);
    publishMetrics(dependencies.pipeline.name, {
      [METRICS.oldestUncommitted]: health.oldestUncommitted / 1000,
      [METRICS.backlog]: health.backlogEntries,
      [METRICS.checkpointAge]: health.checkpointAge / 1000,
      [METRICS.halted]: health.haltedPartitions + haltedOfReplay + health.failingPartitions,
      [METRICS.haltedOfReplay]: haltedOfReplay,
      [METRICS.failing]: health.failingPartitions,
      [METRICS.conservation]: health.conservationDifference,
    });
  } catch (error) {
    dependencies.log.error(`The pipeline's health could not be measured: ${messageOf(error)}`, { error });
  }
}
