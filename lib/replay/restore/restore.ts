import { PulsehouseError } from '../../pipeline/errors.ts';
import { outliveEarlierWriters } from '../earlier-writers.ts';
import { holdCycle } from '../hold.ts';
import {
  beginOperation,
  endOperation,
  type Operation,
  operationId,
  readUnfinishedOperations,
} from '../journal.ts';
import type { PlanDependencies } from '../replay/plan.ts';
import { assertLost, claim } from './claim.ts';
import { reconcile } from './reconcile.ts';
import type { RestoreResult, RestoreRun } from './restore-run.ts';
import { newestValidSnapshot } from './valid-snapshot.ts';
import { writeStates } from './write-states.ts';

type Restore = Operation & { readonly kind: 'restore' };

/**
 * Rebuilds a lost or outdated state from the newest valid snapshot: claims the next snapshot number, writes the states of
 * a new generation with the pipeline paused, outlives whatever earlier writers may still have under way, brings what the
 * table holds beyond the snapshot to whole batches, and goes on above that. Cut off anywhere, the same call goes on.
 * @throws PulsehouseError PH_SNAPSHOT_MISSING, PH_SNAPSHOT_CORRUPT, PH_RESET_REFUSED when the state is not lost.
 */
export async function restore(dependencies: PlanDependencies, run: RestoreRun): Promise<RestoreResult> {
  const { objects, pipeline, environment } = dependencies;
  const { deadline, onStep = () => undefined } = run;
  const startedAt = environment.now();
  const unfinished = await readUnfinishedOperations(objects, pipeline.name, deadline);
  const cutOff = unfinished.filter((operation) => operation.kind === 'restore');
  const begun = unfinished.find((operation) => operation.kind === 'branch');
  if (begun) {
    throw new PulsehouseError('PH_RESET_UNFINISHED', `${begun.kind} ${begun.id} by ${begun.by} was cut off`, {
      where: { pipeline: pipeline.name },
      nextStep: `Give \`pulsehouse restore --from\` with the file of ${begun.of} once more.`,
    });
  }
  const base = await newestValidSnapshot(objects, pipeline.name, undefined, deadline);
  if (cutOff.length === 0) await assertLost(dependencies, base.snapshot, deadline);
  const claimed = await claim(dependencies, base, deadline);
  onStep(`snapshot ${base.snapshot.number} is whole; claimed number ${claimed.number}`);
  // Each try writes its own down: that an earlier one had come to its end may be heard only when this one is half way (seed
  // 24438, `--with state-gone`).
  const operation: Restore = {
    kind: 'restore',
    id: operationId(startedAt, environment.uniqueId()),
    by: run.by,
    at: startedAt,
    checkpoint: base.snapshot.number,
    snapshot: claimed.number,
  };
  await beginOperation(objects, pipeline.name, operation, deadline);
  await writeStates(dependencies, claimed, run);
  onStep(`state of ${claimed.partitions.length} partitions written, the pipeline held`);
  await outliveEarlierWriters(dependencies, Math.min(run.lostAt ?? startedAt, startedAt), deadline);
  onStep('no earlier writer can store anything any more');
  const partitions = await reconcile(dependencies, claimed, run);
  onStep('what the table holds beyond the snapshot is whole');
  for (const ended of [...cutOff, operation]) await endOperation(objects, pipeline.name, ended, deadline);
  const cycle = await holdCycle(dependencies, run.owner, deadline);
  await cycle.release((standing) => ({ ...standing, paused: false }));
  return { checkpoint: base.snapshot.number, snapshot: claimed.number, partitions };
}
