import { comparePositions, isAfter, type Position } from '../../pipeline/position.ts';
import type { Sink } from '../../ports/sink.ts';
import { type Absences, absenceOfBatch } from './absence.ts';
import type { Finding } from './findings.ts';
import type { ReadBatch } from './ledger.ts';
import { checkStretches, type LedgerStretch } from './ledger-check.ts';

/** The lower part of a range, which Pulsar has forgotten: only the batch ledger still says what it held. */
export interface Forgotten {
  /** Everything of the range at or below it is no longer in Pulsar. */
  readonly upTo: Position;
  readonly messages: number;
  readonly expected: number;
  /** Beyond repair: the payloads are gone. */
  readonly missing: number;
  /** Counted as expired or excluded, of batches of which only a part may be: they cannot be told from missing ones. */
  readonly untold: number;
  /** False when the ledger has expired for a part of it, which then was not compared at all. */
  readonly covered: boolean;
}

export interface ForgottenRange {
  readonly partition: number;
  readonly after: Position;
  /** First position above `after` that Pulsar still has, less one; the range's end when it has none. */
  readonly upTo: Position;
  /** The ledger's batches that touch the range, in order. */
  readonly batches: readonly ReadBatch[];
  /** What was read of the batch that `upTo` cuts in two. */
  readonly readOfCut: { readonly rows: number; readonly messages: number };
  readonly absences: Absences;
}

interface Part extends LedgerStretch {
  readonly messages: number;
  /** Only a part of it may be gone rightly. */
  readonly partly: boolean;
}

export async function checkForgotten(
  sink: Sink,
  range: ForgottenRange,
  deadline: number,
): Promise<{ readonly forgotten: Forgotten | undefined; readonly findings: readonly Finding[] }> {
  // Else a range that begins within a batch would be held against all of it.
  if (!isAfter(range.upTo, range.after)) return { forgotten: undefined, findings: [] };
  const below = range.batches.filter(
    (batch) => isAfter(range.upTo, batch.after) && isAfter(batch.to, range.after),
  );
  const covered = covers(below, range);
  if (below.length === 0 && covered) return { forgotten: undefined, findings: [] };
  const parts = below.map((batch, index) => partOf(batch, range, below[index - 1], below[index + 1]));
  const clear = await checkStretches(sink, range.partition, parts.filter(isClear), deadline);
  const unclear = await checkStretches(
    sink,
    range.partition,
    parts.filter(({ partly }) => partly),
    deadline,
  );
  const findings = [...clear, ...unclear];
  const sum = (pick: (part: Part) => number) => parts.reduce((total, part) => total + pick(part), 0);
  const forgotten = {
    upTo: range.upTo,
    messages: sum((part) => part.messages),
    expected: sum((part) => part.rows),
    missing: findings.reduce((total, finding) => total + finding.missing, 0),
    untold: unclear.reduce((total, finding) => total + finding.expired + finding.excluded, 0),
    covered,
  };
  // A cut with nothing below it: Pulsar still has every entry the batch ever had.
  return { forgotten: forgotten.messages === 0 && covered ? undefined : forgotten, findings };
}

/** The batch where Pulsar's memory begins is counted up to there only. */
export function cutBatch(batches: readonly ReadBatch[], upTo: Position): ReadBatch | undefined {
  return batches.find((batch) => isAfter(upTo, batch.after) && isAfter(batch.to, upTo));
}

function isClear({ partly }: Part): boolean {
  return !partly;
}

function partOf(
  batch: ReadBatch,
  range: ForgottenRange,
  before: ReadBatch | undefined,
  behind: ReadBatch | undefined,
): Part {
  const cut = comparePositions(batch.to, range.upTo) > 0;
  const to = cut ? range.upTo : batch.to;
  const read = cut ? range.readOfCut : { rows: 0, messages: 0 };
  const { after, publishedUpTo } = batch;
  const times = { publishedUpTo, publishedAfter: newestOf(before), publishedBefore: newestOf(behind) };
  const found = absenceOfBatch(range.absences, { after, to, ...times });
  return {
    after,
    to,
    rows: batch.rows - read.rows,
    messages: batch.messages - read.messages,
    absence: found?.absence,
    partly: found?.partly ?? false,
  };
}

function newestOf(batch: ReadBatch | undefined): number | undefined {
  return batch && batch.publishedUpTo > 0 ? batch.publishedUpTo : undefined;
}

/** Whether the ledger's batches say of every entry below Pulsar's memory what must stand there, if anything must. */
function covers(batches: readonly ReadBatch[], { after, upTo, absences }: ForgottenRange): boolean {
  if (!isAfter(upTo, after)) return true;
  let before: ReadBatch | undefined;
  for (const batch of [...batches, undefined]) {
    const gap = { after: before?.to ?? after, to: batch?.after ?? upTo };
    const times = { publishedUpTo: 0, publishedAfter: newestOf(before), publishedBefore: newestOf(batch) };
    if (isAfter(gap.to, gap.after) && !absenceOfBatch(absences, { ...gap, ...times })) return false;
    before = batch;
  }
  return true;
}
