import type { Snapshot } from '../../checkpoint/snapshot.ts';
import { createSnapshot, listSnapshots, readSnapshot } from '../../checkpoint/snapshots.ts';
import { newCycleState } from '../../pipeline/cycle-transitions.ts';
import { PulsehouseError } from '../../pipeline/errors.ts';
import { NO_TOTALS } from '../../pipeline/partition-state.ts';
import { newPartitionState } from '../../pipeline/partition-transitions.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import { holdCycle } from '../hold.ts';
import {
  beginOperation,
  endOperation,
  type Operation,
  operationId,
  readUnfinishedOperations,
} from '../journal.ts';
import type { ByHand } from '../pause.ts';
import { type Base, firstSnapshot, holdBase } from './base.ts';
import type { BranchDependencies, BranchResult, BranchRun, BranchSource } from './branch-run.ts';
import { assertNoneAbove, assertRows, copyRows } from './copy-rows.ts';
import { recordLineage } from './lineage.ts';

const ROWS_AT_ONCE = 2_000_000;

type Branch = Operation & { readonly kind: 'branch' };

/**
 * Brings a second pipeline up from a checkpoint of a first one that goes on: its own subscription at the checkpoint's
 * positions, its own snapshot and state under a new generation, and the rows up to there in its own table. From then on the
 * two have nothing to do with each other. Cut off anywhere, the same call goes on.
 * @throws PulsehouseError PH_RESET_REFUSED, PH_SNAPSHOT_MISSING, PH_SNAPSHOT_CORRUPT, PH_RESET_UNFINISHED.
 */
export async function branch(
  dependencies: BranchDependencies,
  source: BranchSource,
  run: BranchRun,
): Promise<BranchResult> {
  const { objects, pipeline } = dependencies;
  const { deadline, owner, onStep = () => undefined } = run;
  assertApart(pipeline, source.pipeline);
  const { operation, begunBefore } = await begin(dependencies, source, run);
  const base = await holdBase(dependencies, { ...source, checkpoint: operation.checkpoint }, deadline);
  onStep(`subscription ${pipeline.subscription} holds everything above checkpoint ${base.checkpoint}`);
  const claimed = await claim(dependencies, base, deadline);
  await assertNoneAbove(dependencies, claimed.partitions, deadline);
  await writeStates(dependencies, claimed, deadline);
  onStep(`state of ${claimed.partitions.length} partitions written as snapshot ${claimed.number}, held`);
  const cycle = await holdCycle(dependencies, owner, deadline);
  try {
    if (source.copy) {
      const { rowsAtOnce = ROWS_AT_ONCE, onCopied } = run;
      const terms = { begunBefore, rowsAtOnce, ...(onCopied && { onCopied }) };
      await copyRows(dependencies, source.copy, cycle, base, terms, deadline);
      onStep(`rows copied from ${source.copy.source}`);
    }
    const rows = await assertRows(dependencies, base, deadline);
    onStep('the rows are those that the checkpoint counts');
    await recordLineage(dependencies, source, { base, claimed, by: operation }, deadline);
    await endOperation(objects, pipeline.name, operation, deadline);
    await cycle.release((standing) => ({ ...standing, paused: false }));
    return {
      checkpoint: base.checkpoint,
      snapshot: claimed.number,
      partitions: claimed.partitions.map(({ partition, committed }) => {
        const stored = rows.get(partition) ?? 0;
        return {
          partition,
          from: committed,
          rows: stored,
          deadLetters: lettersLeft(base, partition, stored),
        };
      }),
    };
  } finally {
    await cycle.release().catch(() => undefined);
  }
}

/** What was a dead letter and is a row by now was put through again. */
function lettersLeft({ partitions }: Base, partition: number, rows: number): number {
  const { deadLetters, rows: atOnce } = partitions[partition]?.totals ?? NO_TOTALS;
  return Math.max(0, deadLetters - Math.max(0, rows - atOnce));
}

/** @throws PulsehouseError PH_RESET_REFUSED */
function assertApart(second: Pipeline, first: Pipeline): void {
  const table = ({ target }: Pipeline) => `${target.database}.${target.table}`;
  const shared = [
    ...(second.name === first.name ? [`the name ${first.name}`] : []),
    ...(second.subscription === first.subscription ? [`the subscription ${first.subscription}`] : []),
    ...(table(second) === table(first) ? [`the table ${table(first)}`] : []),
  ];
  if (shared.length === 0 && second.topic === first.topic) return;
  throw new PulsehouseError(
    'PH_RESET_REFUSED',
    shared.length > 0
      ? `the second pipeline has ${shared.join(' and ')} of the first one`
      : `the first pipeline reads ${first.topic}, the second one ${second.topic}`,
    {
      where: { pipeline: second.name },
      nextStep: 'Give it the same topic, and a name, a subscription and a table of its own.',
    },
  );
}

/** Goes on with one that was cut off, from the checkpoint it named. */
async function begin(
  dependencies: BranchDependencies,
  { pipeline: first, objects: bucket, checkpoint }: BranchSource,
  { by, deadline }: ByHand,
): Promise<{ readonly operation: Branch; readonly begunBefore: boolean }> {
  const { objects, pipeline, state, environment } = dependencies;
  const unfinished = await readUnfinishedOperations(objects, pipeline.name, deadline);
  const cutOff = unfinished.find((operation) => operation.kind === 'branch');
  const same = cutOff?.of === first.name && (checkpoint === undefined || checkpoint === cutOff.checkpoint);
  if (cutOff && same) return { operation: cutOff, begunBefore: true };
  const begun =
    cutOff !== undefined ||
    (await state.readCycle(pipeline.name, deadline)) !== undefined ||
    (await listSnapshots(objects, pipeline.name, deadline)).length > 0;
  if (begun) {
    throw new PulsehouseError('PH_RESET_REFUSED', `pipeline ${pipeline.name} has begun already`, {
      where: { pipeline: pipeline.name },
      nextStep: cutOff
        ? `Give the same command as before: from ${cutOff.of}, --to ${cutOff.checkpoint}.`
        : 'Give the second pipeline a name of its own, and do not `init` it: this command does.',
    });
  }
  const newest = (await listSnapshots(bucket, first.name, deadline)).at(-1);
  if (newest === undefined) {
    throw new PulsehouseError('PH_SNAPSHOT_MISSING', `there is no snapshot of ${first.name} in that bucket`, {
      nextStep: 'Name the bucket of the first pipeline with --from-bucket; take a checkpoint there first.',
    });
  }
  const at = environment.now();
  const id = operationId(at, environment.uniqueId());
  const operation: Branch = { kind: 'branch', id, by, at, of: first.name, checkpoint: checkpoint ?? newest };
  await beginOperation(objects, pipeline.name, operation, deadline);
  return { operation, begunBefore: false };
}

/** What stands under the number counts: an earlier try's, which began from the same checkpoint. */
async function claim(dependencies: BranchDependencies, base: Base, deadline: number): Promise<Snapshot> {
  const { objects, pipeline } = dependencies;
  const standing = (await listSnapshots(objects, pipeline.name, deadline))[0];
  if (standing !== undefined) {
    return (await readSnapshot(objects, pipeline.name, standing, deadline)).snapshot;
  }
  return (await createSnapshot(objects, firstSnapshot(dependencies, base, 1), deadline)).snapshot;
}

/** The cycle comes first and is held: whoever sees a state sees that nothing may be consumed yet. */
async function writeStates(
  { state, pipeline, transport, environment }: BranchDependencies,
  claimed: Snapshot,
  deadline: number,
): Promise<void> {
  const { generation, number, partitions } = claimed;
  const about = { pipeline: pipeline.name, generation };
  const cycle = newCycleState({ ...about, partitions: partitions.length, writeId: environment.uniqueId() });
  const epoch = partitions[0]?.epoch ?? 0;
  const numbers = { flushRequested: number, latest: number, opened: number, acknowledging: number };
  await state.createCycle({ ...cycle, ...numbers, epoch, paused: true }, deadline);
  for (const then of partitions) {
    const fresh = newPartitionState({
      ...about,
      partition: then.partition,
      topic: then.topic,
      cluster: then.cluster ?? (await transport.topicIdentity(then.topic, deadline)),
      origin: then.committed,
      writeId: environment.uniqueId(),
    });
    const { committedPublishTime } = then;
    await state.createPartition(
      { ...fresh, epoch: then.epoch, flushed: number, committedPublishTime },
      deadline,
    );
  }
}
