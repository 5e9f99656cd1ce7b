import type { ConsumeContext } from '../../consume/context.ts';
import { settleFound } from '../../consume/settle-found.ts';
import type { Lease } from '../../leases/lease.ts';
import { isPulsehouseError, PulsehouseError } from '../../pipeline/errors.ts';
import { CLOCK_MARGIN, type Intent, queryIdPrefix } from '../../pipeline/intent.ts';
import type { PartitionState } from '../../pipeline/partition-state.ts';
import { formatPosition } from '../../pipeline/position.ts';
import type { ReplayDependencies } from '../dependencies.ts';
import type { DroppedBatch } from '../journal.ts';

const LOOK_AGAIN = 1_000;

const HOW_TO_DROP =
  '`--drop-in-flight` gives them up: it counts the rows of them that stand in the table, which stay, and records both.';

/** Brings every open batch to its end, as the next consumer would. @throws PulsehouseError PH_RESET_REFUSED */
export async function settleInFlight(
  dependencies: ReplayDependencies,
  lease: Lease<PartitionState>,
  deadline: number,
): Promise<void> {
  if (lease.state.inFlight.length === 0) return;
  const { environment, sink } = dependencies;
  const { partition } = lease.state;
  const askedAt = environment.now();
  const serverClockOffset = (await sink.serverNow(deadline)) - askedAt;
  const context: ConsumeContext = { ...dependencies, partition, lease, deadline, serverClockOffset };
  try {
    await settleFound(context);
  } catch (error) {
    if (!isPulsehouseError(error) || error.code !== 'PH_HALT_REREAD_DIFFERS') throw error;
    throw new PulsehouseError('PH_RESET_REFUSED', `a batch in flight cannot be settled: ${error.message}`, {
      where: error.where,
      nextStep: HOW_TO_DROP,
      cause: error,
    });
  }
}

/**
 * Gives open batches up, whose entries are no longer anywhere: once no send of them can store anything any more, counts
 * what of them stands. The state still holds them; the reset that follows does not.
 */
export async function giveUpInFlight(
  { sink, environment, pipeline }: ReplayDependencies,
  lease: Lease<PartitionState>,
  deadline: number,
): Promise<readonly DroppedBatch[]> {
  const { inFlight, partition } = lease.state;
  const notAfter = Math.max(0, ...inFlight.map((intent) => intent.notAfter)) + CLOCK_MARGIN;
  while (inFlight.length > 0 && (await sink.serverNow(deadline)) < notAfter) {
    await lease.renewIfDue();
    await environment.sleep(LOOK_AGAIN);
  }
  for (const intent of inFlight) await sink.kill(queryIdPrefix(pipeline.name, partition, intent), deadline);
  return standingOf({ sink }, partition, inFlight, deadline);
}

/** What of each open batch stands in the table now. */
export async function standingOf(
  { sink }: Pick<ReplayDependencies, 'sink'>,
  partition: number,
  inFlight: readonly Intent[],
  deadline: number,
): Promise<readonly DroppedBatch[]> {
  const batches: DroppedBatch[] = [];
  for (const { after, to, messages, rows } of inFlight) {
    const found = await sink.countRows({ partition, after, to }, deadline);
    batches.push({ after, to, messages, meant: rows, rows: found.rows });
  }
  return batches;
}

/**
 * Batches of a topic that is gone can be settled only where all their rows stand.
 * @throws PulsehouseError PH_RESET_REFUSED
 */
export function assertWhole({ topic, partition }: PartitionState, batches: readonly DroppedBatch[]): void {
  const torn = batches.find(({ meant, rows }) => rows < meant);
  if (!torn) return;
  throw new PulsehouseError(
    'PH_RESET_REFUSED',
    `${batches.length} batches are in flight whose messages went with the topic: of (${formatPosition(torn.after)}, ${formatPosition(torn.to)}] ${torn.rows} of ${torn.meant} rows stand`,
    { where: { topic, partition }, nextStep: HOW_TO_DROP },
  );
}
