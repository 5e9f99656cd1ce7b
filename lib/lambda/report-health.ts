import { type HealthDependencies, measureHealth } from '../checkpoint/health.ts';
import { messageOf } from '../pipeline/errors.ts';
import type { Log } from '../ports/log.ts';
import type { ReplayStore } from '../ports/replay-store.ts';
import { countHaltedOfReplay } from '../replay/replay/halts.ts';
import { METRICS } from './metric-names.ts';
import { publishMetrics } from './metrics.ts';

/**
 * Tells CloudWatch how a pipeline is. Never fails the cycle it comes after. What could not be measured is counted as unknown
 * and not left out: in alarms silence is health.
 */
export async function reportHealth(
  dependencies: HealthDependencies & { readonly replays: ReplayStore; readonly log: Log },
  deadline: number,
): Promise<void> {
  const { pipeline, log } = dependencies;
  const [measured, counted] = await Promise.allSettled([
    measureHealth(dependencies, deadline),
    countHaltedOfReplay(dependencies, deadline),
  ]);
  for (const one of [measured, counted])
    if (one.status === 'rejected')
      log.error(`The pipeline's health could not be measured: ${messageOf(one.reason)}`, {
        error: one.reason,
      });
  const haltedOfReplay = counted.status === 'fulfilled' ? counted.value : 0;
  if (measured.status === 'rejected') {
    publishMetrics(pipeline.name, {
      [METRICS.unknown]: 1,
      [METRICS.halted]: haltedOfReplay,
      [METRICS.haltedOfReplay]: haltedOfReplay,
    });
    return;
  }
  const health = measured.value;
  publishMetrics(pipeline.name, {
    [METRICS.oldestUncommitted]: health.oldestUncommitted / 1000,
    [METRICS.backlog]: health.backlogEntries,
    [METRICS.checkpointAge]: health.checkpointAge / 1000,
    [METRICS.halted]: health.haltedPartitions + haltedOfReplay + health.failingPartitions,
    [METRICS.haltedOfReplay]: haltedOfReplay,
    [METRICS.failing]: health.failingPartitions,
    [METRICS.viewGapRows]: health.viewGapRows,
    [METRICS.unknown]: health.unknownPartitions + (counted.status === 'rejected' ? 1 : 0),
    [METRICS.conservation]: health.conservationDifference,
  });
}
