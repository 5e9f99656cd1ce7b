import { isAfter, isSamePosition, type Position } from '../../pipeline/position.ts';
import type { ReplayDependencies, Watch } from '../dependencies.ts';
import { type Absences, absenceOf } from './absence.ts';
import type { DeadLetterSource } from './dead-letters-in.ts';
import { expectedOf } from './expected-rows.ts';
import { type Finding, FindingList } from './findings.ts';
import { checkForgotten, cutBatch, type Forgotten } from './forgotten.ts';
import { refuseHiddenRows } from './hidden-rows.ts';
import { knownDeadLetters } from './known-dead-letters.ts';
import type { ReadBatch } from './ledger.ts';
import type { MissingSegment } from './missing-segments.ts';
import { justBelow, knownEntry, readableFrom, readRange } from './read-range.ts';
import type { Segment } from './segments.ts';
import { SparedSegments } from './spared-segments.ts';
import { WindowQuestions } from './window-questions.ts';

export interface VerifyRequest {
  readonly partition: number;
  readonly topic: string;
  readonly after: Position;
  readonly to: Position;
  /** The ledger's batches that touch the range, in order. */
  readonly batches: readonly ReadBatch[];
  /** Where the dead letters that count are named. */
  readonly deadLetterSources: readonly DeadLetterSource[];
  /** Whose rows may rightly be gone. */
  readonly absences: Absences;
}

export interface VerifyResult {
  readonly partition: number;
  readonly after: Position;
  readonly to: Position;
  /** Read from Pulsar. */
  readonly entries: number;
  readonly messages: number;
  readonly bytes: number;
  readonly deadLetters: number;
  /** Messages without a value, and those that do not meet the pipeline's condition: they have no row. */
  readonly filtered: number;
  /** Rows the range must have. */
  readonly expected: number;
  readonly missing: number;
  /** Gone rightly: by the table's TTL, by a recorded deletion. */
  readonly expired: number;
  readonly excluded: number;
  readonly doubled: number;
  readonly foreign: number;
  /** Where everything may rightly be gone, of what Pulsar has: a replay leaves it alone. */
  readonly spared: readonly Segment[];
  /** There are more such stretches than `spared` holds. */
  readonly sparedTooMany: boolean;
  /** Entries or batches with a finding, and the first of them. */
  readonly findingCount: number;
  readonly findings: readonly Finding[];
  /** Where rows are missing whose messages Pulsar has: what a repair has to go through. */
  readonly missingIn: readonly MissingSegment[];
  readonly forgotten: Forgotten | undefined;
  /** Above it nothing was compared: `to`, unless the call was stopped. */
  readonly upTo: Position;
}

interface Compared {
  readonly result: VerifyResult;
  /** Everything of the range at or below it was no longer in Pulsar when the comparison began. */
  readonly pulsarBegan: Position;
}

/**
 * Compares what Pulsar has in `(after, to]` with the table, entry by entry. Reads only; moves nothing. What Pulsar forgets
 * while it is being read looks like rows that have no message: then it is gone through again (seed 1818, `--with audit`).
 */
export async function verifyRange(
  dependencies: ReplayDependencies,
  request: VerifyRequest,
  watch: Watch,
): Promise<VerifyResult> {
  await refuseHiddenRows(dependencies.sink, watch.deadline);
  for (;;) {
    const { result, pulsarBegan } = await compareOnce(dependencies, request, watch);
    if (result.findingCount === 0) return result;
    if (!isAfter(await readableFrom(dependencies, request, watch.deadline), pulsarBegan)) return result;
  }
}

async function compareOnce(
  dependencies: ReplayDependencies,
  request: VerifyRequest,
  watch: Watch,
): Promise<Compared> {
  const { transport, environment, sink } = dependencies;
  const { partition, after, to, batches, deadLetterSources } = request;
  const deadLetters = await knownDeadLetters(dependencies, deadLetterSources, { after, to }, watch.deadline);
  const findings = new FindingList();
  const windows = new WindowQuestions(dependencies, request, findings, watch);
  const totals = { entries: 0, messages: 0, bytes: 0, deadLetters: 0, filtered: 0, expected: 0 };
  const readOfCut = { rows: 0, messages: 0 };
  let pulsarBegan = to;
  let cut: ReadBatch | undefined;
  let upTo = to;
  const spared = new SparedSegments(after);

  const range = { ...request, known: knownEntry(batches) };
  for await (const entry of readRange(transport, environment, range, watch.deadline)) {
    if (totals.entries === 0) {
      pulsarBegan = justBelow(entry, after);
      cut = cutBatch(batches, pulsarBegan);
      windows.begin(after, pulsarBegan, cut?.to);
    }
    const { rows, indexes, ...others } = expectedOf(entry, deadLetters);
    totals.entries += 1;
    totals.messages += entry.messages;
    totals.bytes += entry.dataBytes;
    totals.deadLetters += others.deadLetters;
    totals.filtered += others.filtered;
    totals.expected += rows;
    if (cut && !isAfter(entry.position, cut.to)) {
      readOfCut.rows += rows;
      readOfCut.messages += entry.messages;
    }
    const absence = absenceOf(request.absences, entry);
    spared.add(entry.position, absence !== undefined);
    await windows.add({ position: entry.position, indexes, absence });
    // Not within the batch that Pulsar's memory begins in: half read, nothing could be said of what lies below.
    const canEnd = !cut || !isAfter(cut.to, entry.position);
    if (watch.stop?.aborted && canEnd && !isSamePosition(entry.position, to)) {
      upTo = entry.position;
      break;
    }
  }
  if (totals.entries > 0) await windows.end(upTo);
  totals.filtered += windows.filtered;
  totals.expected -= windows.filtered;
  readOfCut.rows -= windows.filteredBelow;
  const below = await checkForgotten(
    sink,
    { partition, after, upTo: pulsarBegan, batches, readOfCut, absences: request.absences },
    watch.deadline,
  );
  findings.add(below.findings);
  const result = {
    partition,
    after,
    to,
    ...totals,
    expected: totals.expected + (below.forgotten?.expected ?? 0),
    missing: findings.missing,
    expired: findings.expired,
    excluded: findings.excluded,
    doubled: findings.doubled,
    foreign: findings.foreign,
    spared: spared.segments,
    sparedTooMany: spared.tooMany,
    findingCount: findings.count,
    findings: findings.first,
    missingIn: windows.missing.found,
    forgotten: below.forgotten,
    upTo,
  };
  return { result, pulsarBegan };
}
