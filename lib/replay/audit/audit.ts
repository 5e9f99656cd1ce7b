import pLimit from 'p-limit';
import { isPulsarError, PulsehouseError } from '../../pipeline/errors.ts';
import { assertOwnTopic } from '../../pipeline/own-topic.ts';
import type { PartitionState } from '../../pipeline/partition-state.ts';
import type { Position } from '../../pipeline/position.ts';
import type { ReplayStore } from '../../ports/replay-store.ts';
import type { PartitionRows } from '../../ports/target-table.ts';
import { expiredBefore } from '../comparison/absence.ts';
import type { ReplayDependencies, Watch } from '../dependencies.ts';
import { readJournal } from '../journal.ts';
import { namedSnapshot } from '../named-snapshot.ts';
import { stillUnfinished } from '../unfinished.ts';
import { checkCursors } from './audit-cursors.ts';
import { auditPartition, type PartitionAudit } from './audit-partition.ts';
import type { AuditReport, UnknownPartition } from './audit-report.ts';
import { type AuditedPartition, lastExactReport } from './audit-reports.ts';
import { checkSnapshots, type SnapshotFindings } from './audit-snapshots.ts';

export interface AuditDependencies extends ReplayDependencies {
  readonly replays: ReplayStore;
}

export interface AuditRequest {
  /** Only what was committed after this checkpoint; `last`: after what the last exact scheduled audit compared. */
  readonly since?: number | 'last' | undefined;
}

const PARTITIONS_AT_ONCE = 4;
const REPLAYS_CONSIDERED = 1_000;

/**
 * Compares what Pulsar still has, the batch ledger, the totals and the snapshots with the table. May run beside
 * consumption: it judges what was committed when it began.
 * A partition that the topic does not answer for is unknown, and the others are compared.
 * @throws PulsehouseError when something cannot be asked, of all partitions PH_PULSAR_…; an inexact table is a result and not
 * an error.
 */
export async function audit(
  dependencies: AuditDependencies,
  request: AuditRequest,
  watch: Watch,
): Promise<AuditReport> {
  const { pipeline, state, objects, replays, table, sink } = dependencies;
  const { deadline } = watch;
  // Rows are looked at before the states: a partition is taken in, and an intent written, before there is a row of it, so
  // every row seen must be explained by then.
  const standing = await table.countByPartition(deadline);
  const cycle = await state.readCycle(pipeline.name, deadline);
  if (!cycle) {
    throw new PulsehouseError('PH_STATE_MISSING', `pipeline ${pipeline.name} was never initialised`, {
      where: { pipeline: pipeline.name },
    });
  }
  const { states, unreadable } = await state.readEachPartition(pipeline.name, cycle.partitions, deadline);
  assertOwnTopic(pipeline, states);
  const base = await baseOf(dependencies, request.since, deadline);
  const records = await replays.readReplays(pipeline.name, REPLAYS_CONSIDERED, deadline);
  const journal = await readJournal(objects, pipeline.name, deadline);
  const own = records.filter(
    ({ target }) => target.database === pipeline.target.database && target.table === pipeline.target.table,
  );
  const expired = expiredBefore(pipeline, dependencies.environment.now());
  const sources = { store: state, journal, replays: own };
  const { compared: partitions, unanswered } = await eachByItself(states, (partition) =>
    auditPartition(
      dependencies,
      sources,
      {
        state: partition,
        since: sinceOf(base, partition),
        expiredBefore: expired,
        standing: standing.find((found) => found.partition === partition.partition),
      },
      watch,
    ),
  );
  const snapshots = await checkSnapshots(dependencies, { cycle, states }, deadline);
  const isKnown = ({ partition }: PartitionState) =>
    !unanswered.some((found) => found.partition === partition);
  const cursors = await checkCursors(dependencies, states.filter(isKnown), deadline);
  const strange = await strangePartitions(dependencies, standing, cycle.partitions, deadline);
  const unknown = [...unanswered, ...cursors.unknown];
  const problems = [
    ...strange.problems,
    ...[...unreadable.map(({ partition, error }) => ({ partition, message: error.message })), ...unknown].map(
      ({ partition, message }) => `partition ${partition} was not compared: ${message}`,
    ),
    ...missingStates(states.length + unreadable.length, cycle.partitions),
    // Of a pause or a resume only the record is: nothing is at odds, and nobody could ever end it.
    ...(await stillUnfinished(dependencies, journal, deadline)).map(
      (operation) => `${operation.kind} ${operation.id} was begun and not ended`,
    ),
    ...snapshots.problems,
    ...cursors.problems,
    ...partitions.flatMap((partition) => partition.problems),
  ];
  const stuck = partitions.flatMap((partition) => partition.stuck ?? []);
  const sum = (count: (partition: PartitionAudit) => number) =>
    partitions.reduce((total, partition) => total + count(partition), 0);
  const totals = {
    messages: sum((partition) => partition.messages),
    expected: sum((partition) => partition.expected),
    rows: sum((partition) => partition.rows),
    missing: sum((partition) => partition.missing),
    expired: sum((partition) => partition.expired),
    excluded: sum((partition) => partition.excluded),
    doubled: sum((partition) => partition.doubled),
    foreign: sum((partition) => partition.foreign),
    deadLetters: sum((partition) => partition.deadLetters),
    filtered: sum((partition) => partition.filtered),
  };
  return {
    pipeline: pipeline.name,
    table: sink.table,
    exact: problems.length + stuck.length === 0 && totals.missing + totals.doubled + totals.foreign === 0,
    drained: unreadable.length + unknown.length === 0 && partitions.every((partition) => partition.drained),
    complete: partitions.every(({ auditedUpTo, committed }) => auditedUpTo === committed),
    since: base?.name,
    checkpoint: cycle.latest,
    ...totals,
    partitions,
    unknown,
    problems,
    stuck,
    remarks: [
      ...(pipeline.allowWithoutDeduplication
        ? [
            'the table may be without a deduplication window (allowWithoutDeduplication): doubt is settled by waiting',
          ]
        : []),
      ...own.filter(({ status }) => status === 'running').map(({ id }) => `replay ${id} is still running`),
      ...strange.remarks,
      ...snapshots.remarks,
      ...cursors.remarks,
      ...partitions.flatMap((partition) => partition.remarks),
    ],
  };
}

interface ComparedPartitions {
  readonly compared: readonly PartitionAudit[];
  readonly unanswered: readonly UnknownPartition[];
}

/** @throws PulsehouseError PH_PULSAR_… when the topic answers for none of them; every other error of one of them */
async function eachByItself(
  states: readonly PartitionState[],
  compare: (state: PartitionState) => Promise<PartitionAudit>,
): Promise<ComparedPartitions> {
  const compared: PartitionAudit[] = [];
  const unanswered: UnknownPartition[] = [];
  await pLimit(PARTITIONS_AT_ONCE).map(states, async (state) => {
    try {
      compared.push(await compare(state));
    } catch (error) {
      if (!isPulsarError(error)) throw error;
      unanswered.push({ partition: state.partition, code: error.code, message: error.message });
      if (unanswered.length === states.length) throw error;
    }
  });
  const byPartition = (a: { partition: number }, b: { partition: number }) => a.partition - b.partition;
  return { compared: compared.sort(byPartition), unanswered: unanswered.sort(byPartition) };
}

/** What need not be compared again. */
interface Base {
  readonly name: number | string;
  readonly partitions: readonly AuditedPartition[];
}

async function baseOf(
  { objects, pipeline }: ReplayDependencies,
  since: AuditRequest['since'],
  deadline: number,
): Promise<Base | undefined> {
  if (since === undefined) return undefined;
  if (since === 'last') {
    const report = await lastExactReport(objects, pipeline.name, deadline);
    return report && { name: report.key, partitions: report.partitions };
  }
  const { snapshot } = await namedSnapshot(objects, pipeline.name, since, deadline);
  const partitions = snapshot.partitions.map(({ partition, generation, committed }) => ({
    ...{ partition, generation, upTo: committed },
  }));
  return { name: since, partitions };
}

/** A partition that was reset since may have been read again from further below: it is compared whole. */
function sinceOf(base: Base | undefined, state: PartitionState): Position | undefined {
  const then = base?.partitions.find(({ partition }) => partition === state.partition);
  return then?.generation === state.generation ? then.upTo : undefined;
}

/** One that a cycle is only just taking in has a state before the cycle counts it. */
async function strangePartitions(
  { state, pipeline }: ReplayDependencies,
  standing: readonly PartitionRows[],
  known: number,
  deadline: number,
): Promise<SnapshotFindings> {
  const problems: string[] = [];
  const remarks: string[] = [];
  for (const { partition, rows } of standing.filter((found) => found.partition >= known)) {
    if (await state.readPartition(pipeline.name, partition, deadline))
      remarks.push(`partition ${partition} is being taken in: its ${rows} rows were not compared`);
    else problems.push(`${rows} rows belong to partition ${partition}, which the pipeline does not know`);
  }
  return { problems, remarks };
}

function missingStates(found: number, known: number): string[] {
  return found === known ? [] : [`${known} partitions are known and ${found} have a state`];
}
