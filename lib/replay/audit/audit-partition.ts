import type { PartitionState } from '../../pipeline/partition-state.ts';
import { intendedUpTo } from '../../pipeline/partition-transitions.ts';
import {
  BEFORE_ALL,
  formatPosition,
  isAfter,
  isSamePosition,
  LAST_OF_ALL,
  laterOf,
  type Position,
} from '../../pipeline/position.ts';
import { makesNoProgress } from '../../pipeline/progress.ts';
import type { PartitionRows } from '../../ports/target-table.ts';
import { type Absences, absencesOf } from '../comparison/absence.ts';
import type { Finding } from '../comparison/findings.ts';
import {
  batchesIn,
  type LedgerSources,
  type PartitionLedger,
  piecesOf,
  readLedger,
} from '../comparison/ledger.ts';
import { type Segment, without } from '../comparison/segments.ts';
import { type VerifyResult, verifyRange } from '../comparison/verify.ts';
import type { ReplayDependencies, Watch } from '../dependencies.ts';
import type { AuditCounts } from './audit-counts.ts';

/** Halted, or its tries fail one after the other while there is something to store. */
export interface StuckPartition {
  readonly partition: number;
  readonly halted: boolean;
  readonly code: string;
  readonly reason: string;
  readonly nextStep: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

export interface PartitionAudit extends AuditCounts {
  readonly partition: number;
  readonly topic: string;
  /** Compared: `(from, committed]`, without what was skipped on purpose. */
  readonly from: string;
  readonly committed: string;
  readonly last: string;
  readonly drained: boolean;
  /** A reset begins another one. */
  readonly generation: string;
  /** `committed`, unless the audit was stopped before it had compared so much. */
  readonly auditedUpTo: string;
  /** Messages that Pulsar no longer has and that were compared by the ledger's counts. */
  readonly comparedByLedger: number;
  readonly findingCount: number;
  readonly findings: readonly Finding[];
  readonly problems: readonly string[];
  readonly stuck: StuckPartition | undefined;
  readonly remarks: readonly string[];
}

export interface PartitionQuestion {
  readonly state: PartitionState;
  readonly since: Position | undefined;
  /** Rows of messages published before it may be gone (ms since the epoch); undefined: none may. */
  readonly expiredBefore: number | undefined;
  /** What the table held under this partition's number just before `state` was read. */
  readonly standing: PartitionRows | undefined;
}

const FINDINGS_SHOWN = 100;
/** No batch touches it: of the ledger only what resets say is wanted. */
const NOWHERE: Segment = { after: LAST_OF_ALL, to: LAST_OF_ALL };

export async function auditPartition(
  dependencies: ReplayDependencies,
  sources: LedgerSources,
  question: PartitionQuestion,
  watch: Watch,
): Promise<PartitionAudit> {
  const { state } = question;
  const { partition, topic, committed } = state;
  const ledger = await readLedger(sources, state, watch.deadline, NOWHERE);
  const from = laterOf(question.since ?? ledger.origin, ledger.origin);
  const absences = absencesOf(dependencies.pipeline, partition, question.expiredBefore);
  const whole = { after: from, to: committed };
  const { results, upTo } = await compare(dependencies, sources, ledger, whole, absences, watch);
  const last = await dependencies.transport.lastPosition(topic, watch.deadline);
  const problems = [
    ...(await unexplained(dependencies, question, watch.deadline)),
    ...(await belowOrigin(dependencies, ledger, watch.deadline)),
    ...results.flatMap(uncovered),
    ...conservation(state),
  ];
  const sum = (count: (result: VerifyResult) => number) =>
    results.reduce((total, result) => total + count(result), 0);
  const counts = {
    expected: sum((result) => result.expected),
    missing: sum((result) => result.missing),
    expired: sum((result) => result.expired),
    excluded: sum((result) => result.excluded),
    doubled: sum((result) => result.doubled),
    foreign: sum((result) => result.foreign),
  };
  return {
    partition,
    topic,
    from: formatPosition(from),
    committed: formatPosition(committed),
    last: formatPosition(last),
    drained: !isAfter(last, committed),
    generation: state.generation,
    auditedUpTo: formatPosition(upTo),
    messages: sum((result) => result.messages + (result.forgotten?.messages ?? 0)),
    ...counts,
    rows: standingOf(counts),
    deadLetters: sum((result) => result.deadLetters),
    filtered: sum((result) => result.filtered),
    comparedByLedger: sum((result) => result.forgotten?.messages ?? 0),
    findingCount: sum((result) => result.findingCount),
    findings: results.flatMap((result) => result.findings).slice(0, FINDINGS_SHOWN),
    problems,
    stuck: stuckAt(state, last),
    remarks: [...(await skippedByHand(dependencies, ledger, watch.deadline)), ...results.flatMap(untold)],
  };
}

/** Rows there are of batches that were given up in flight: they stay, and are among neither the expected nor the foreign ones. */
async function skippedByHand(
  { sink }: ReplayDependencies,
  { skipped, state: { partition } }: PartitionLedger,
  deadline: number,
): Promise<string[]> {
  const remarks: string[] = [];
  for (const { after, to } of skipped) {
    const { rows } = await sink.countRows({ partition, after, to }, deadline);
    const standing = rows === 0 ? '' : `; ${rows} rows of it stand in the table and are not counted here`;
    remarks.push(
      `partition ${partition}: (${formatPosition(after)}, ${formatPosition(to)}] was skipped by hand${standing}`,
    );
  }
  return remarks;
}

function stuckAt(state: PartitionState, last: Position): StuckPartition | undefined {
  const { partition, halted, failedTries } = state;
  if (halted) {
    const { code, reason, nextStep, at } = halted;
    return { partition, halted: true, code, reason, nextStep, since: at };
  }
  if (!failedTries || !makesNoProgress(state, last)) return undefined;
  const { code, message, nextStep, since } = failedTries;
  return { partition, halted: false, code, reason: message, nextStep, since };
}

type Counts = Pick<VerifyResult, 'expected' | 'missing' | 'expired' | 'excluded' | 'doubled' | 'foreign'>;

/** Rows that stand there. */
function standingOf({ expected, missing, expired, excluded, doubled, foreign }: Counts): number {
  return expected - missing - expired - excluded + doubled + foreign;
}

/** Piece by piece: memory holds the batches of one, whatever the ledger's length. */
async function compare(
  dependencies: ReplayDependencies,
  sources: LedgerSources,
  { state, skipped }: PartitionLedger,
  whole: Segment,
  absences: Absences,
  watch: Watch,
): Promise<{ readonly results: readonly VerifyResult[]; readonly upTo: Position }> {
  const { partition, topic } = state;
  const results: VerifyResult[] = [];
  let upTo = whole.after;
  const pieces = [];
  for (const segment of without(whole, skipped))
    pieces.push(...(await piecesOf(sources, state, segment, watch.deadline)));
  for (const { after, to } of pieces) {
    if (watch.stop?.aborted) return { results, upTo };
    const piece = await readLedger(sources, state, watch.deadline, { after, to });
    const batches = batchesIn(piece.batches, after, to);
    const { deadLetterSources } = piece;
    const request = { partition, topic, after, to, batches, deadLetterSources, absences };
    const result = await verifyRange(dependencies, request, watch);
    results.push(result);
    upTo = result.upTo;
    if (!isSamePosition(upTo, to)) return { results, upTo };
  }
  return { results, upTo: whole.to };
}

/** Rows seen above everything that was intended a moment later: nobody of ours wrote them. */
async function unexplained(
  { sink }: ReplayDependencies,
  { state, standing }: PartitionQuestion,
  deadline: number,
): Promise<string[]> {
  const upTo = intendedUpTo(state);
  if (!standing || !isAfter(standing.last, upTo)) return [];
  const { rows } = await sink.countRows(
    { partition: state.partition, after: upTo, to: standing.last },
    deadline,
  );
  return [
    `partition ${state.partition}: ${rows} rows above ${formatPosition(upTo)} that no intent explains, up to ${formatPosition(standing.last)}`,
  ];
}

async function belowOrigin(
  { sink }: ReplayDependencies,
  { origin, state }: PartitionLedger,
  deadline: number,
): Promise<string[]> {
  if (!isAfter(origin, BEFORE_ALL)) return [];
  const { rows } = await sink.countRows(
    { partition: state.partition, after: BEFORE_ALL, to: origin },
    deadline,
  );
  if (rows === 0) return [];
  return [
    `partition ${state.partition}: ${rows} rows at or below ${formatPosition(origin)}, where the pipeline began to read`,
  ];
}

function uncovered({ partition, forgotten, after }: VerifyResult): string[] {
  if (!forgotten || forgotten.covered) return [];
  return [
    `partition ${partition}: (${formatPosition(after)}, ${formatPosition(forgotten.upTo)}] is in parts known neither to Pulsar nor to the batch ledger, and was not compared`,
  ];
}

function untold({ partition, forgotten }: VerifyResult): string[] {
  if (!forgotten || forgotten.untold === 0) return [];
  return [
    `partition ${partition}: ${forgotten.untold} rows counted as expired or excluded lie in batches of which only a part may be gone; Pulsar has forgotten them, so that they cannot be told from missing ones`,
  ];
}

/** Invariant 7, of everything since the generation began. */
function conservation({ partition, totals }: PartitionState): string[] {
  const accounted = totals.rows + totals.filtered + totals.deadLetters;
  if (accounted === totals.messages) return [];
  return [`partition ${partition}: ${totals.messages} messages were read and ${accounted} are accounted for`];
}
