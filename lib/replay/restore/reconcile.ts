import pLimit from 'p-limit';
import type { Snapshot } from '../../checkpoint/snapshot.ts';
import { PulsehouseError } from '../../pipeline/errors.ts';
import type { PartitionState, Totals } from '../../pipeline/partition-state.ts';
import { isAfter, laterOf, type Position } from '../../pipeline/position.ts';
import type { ReplayRecord } from '../../pipeline/replay.ts';
import { exclusionsDigest } from '../comparison/absence.ts';
import { readableFrom } from '../comparison/read-range.ts';
import { unsparedOf } from '../comparison/spared-segments.ts';
import { holdPartition } from '../hold.ts';
import { operationId } from '../journal.ts';
import { cancelReplay } from '../replay/cancel.ts';
import type { PlanDependencies } from '../replay/plan.ts';
import { advanceReplay } from '../replay/replay.ts';
import type { RestoreResult, RestoreRun } from './restore-run.ts';

const PARTITIONS_AT_ONCE = 8;

/** Rows beyond the snapshot are those of batches whose ends nobody knows: a repair up to the last of them makes them whole. */
export async function reconcile(
  dependencies: PlanDependencies,
  claimed: Snapshot,
  run: RestoreRun,
): Promise<RestoreResult['partitions']> {
  const { table, pipeline, state, replays, environment } = dependencies;
  const { deadline, owner } = run;
  const standing = await table.countByPartition(deadline);
  const states = await state.readPartitions(pipeline.name, claimed.partitions.length, deadline);
  const ranges = states.flatMap(({ partition, committed, forgotten }) => {
    const last = standing.find((found) => found.partition === partition)?.last ?? committed;
    const to = laterOf(last, forgotten ?? committed);
    return isAfter(to, committed) ? [{ partition, after: committed, to }] : [];
  });
  const unspared = await pLimit(PARTITIONS_AT_ONCE).map(ranges, async ({ partition, after, to }) => {
    const state = states.find((found) => found.partition === partition);
    if (!state) return [];
    // What Pulsar no longer has it was told to forget, when a snapshot since lost said so: its rows are whole, and a batch
    // that began below them would find more than it read.
    const begins = await readableFrom(dependencies, { topic: state.topic, after, to }, deadline);
    const segments = isAfter(to, begins)
      ? await unsparedOf(dependencies, state, { after: begins, to }, deadline)
      : [];
    return segments.map((segment) => ({ partition, after: segment.after, to: segment.to }));
  });
  const record: ReplayRecord = {
    pipeline: pipeline.name,
    id: operationId(environment.now(), environment.uniqueId()),
    mode: 'repair',
    target: pipeline.target,
    from: `checkpoint ${claimed.number}`,
    to: 'the last row',
    ranges: unspared.flat(),
    exclusions: exclusionsDigest(pipeline),
    requestedBy: run.by,
    requestedAt: environment.now(),
    status: 'running',
    finishedAt: undefined,
  };
  await giveUpOthers(dependencies, run);
  await replays.createReplay(record, deadline);
  for (;;) {
    const progress = await advanceReplay(dependencies, record, dependencies, {
      owner,
      deadline,
      ...(run.stop && { stop: run.stop }),
    });
    if (progress.record.status === 'cancelled') {
      throw new PulsehouseError('PH_RESET_UNFINISHED', `replay ${record.id} of the restore was cancelled`);
    }
    if (progress.done) break;
    const halted = progress.partitions.find(({ halt }) => halt);
    if (halted?.halt) {
      throw new PulsehouseError('PH_HALTED', `partition ${halted.partition}: ${halted.halt.reason}`, {
        nextStep: `${halted.halt.nextStep} Then \`pulsehouse restore\` again.`,
      });
    }
    if (run.stop?.aborted) throw new PulsehouseError('PH_RESET_UNFINISHED', 'the restore was stopped');
    await environment.sleep(250);
  }
  return Promise.all(states.map((found) => advance(dependencies, found, ranges, owner, deadline)));
}

/**
 * Of a restore that was cut off; what they have in flight is settled first. One that is cancelled already may have been cut
 * off before that.
 */
async function giveUpOthers(dependencies: PlanDependencies, { owner, deadline }: RestoreRun): Promise<void> {
  const { replays, pipeline } = dependencies;
  const records = await replays.readReplays(pipeline.name, 100, deadline);
  for (const record of records.filter(({ status }) => status !== 'complete')) {
    await cancelReplay(dependencies, record, dependencies, { owner, deadline });
  }
}

async function advance(
  dependencies: PlanDependencies,
  found: PartitionState,
  ranges: readonly { readonly partition: number; readonly to: Position }[],
  owner: string,
  deadline: number,
): Promise<RestoreResult['partitions'][number]> {
  const { partition, committed } = found;
  const to = ranges.find((candidate) => candidate.partition === partition)?.to ?? committed;
  const { rows } = await dependencies.sink.countRows({ partition, after: committed, to }, deadline);
  const below = await countBelow(dependencies, found, deadline);
  if (rows === 0 && to === committed && below === undefined)
    return { partition, from: committed, to, messages: 0 };
  const lease = await holdPartition(dependencies, partition, owner, deadline);
  await lease.release((state) => {
    if (isAfter(state.committed, committed)) return state;
    const totals = withRowsBelow(state.totals, below);
    return {
      ...state,
      committed: to,
      totals: { ...totals, messages: totals.messages + rows, rows: totals.rows + rows },
    };
  });
  return { partition, from: committed, to, messages: rows };
}

/**
 * Rows at or below the snapshot's position, where the pipeline has a condition. A message that it counts as filtered may have
 * become a row since: a state put back from a backup has a batch in flight again, and another condition may have stored it.
 */
async function countBelow(
  { sink }: PlanDependencies,
  { partition, origin, committed }: PartitionState,
  deadline: number,
): Promise<number | undefined> {
  if (sink.condition === undefined) return undefined;
  return (await sink.countRows({ partition, after: origin, to: committed }, deadline)).distinct;
}

/** Rows that are missing stay counted: an audit has to find them. */
function withRowsBelow(totals: Totals, below = 0): Totals {
  const filtered = Math.max(0, totals.filtered - Math.max(0, below - totals.rows));
  return { ...totals, rows: totals.rows + totals.filtered - filtered, filtered };
}
