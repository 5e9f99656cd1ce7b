import { comparePositions, isAfter, isSamePosition, type Position } from '../pipeline/position.ts';
import type { Sink } from '../ports/sink.ts';
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
}

export async function checkForgotten(
  sink: Sink,
  range: ForgottenRange,
  deadline: number,
): Promise<{ readonly forgotten: Forgotten | undefined; readonly findings: readonly Finding[] }> {
  const below = range.batches.filter(
    (batch) => isAfter(range.upTo, batch.after) && isAfter(batch.to, range.after),
  );
  const covered = covers(below, range.after, range.upTo);
  if (below.length === 0 && covered) return { forgotten: undefined, findings: [] };
  const parts = below.map((batch) => partOf(batch, range));
  const findings = await checkStretches(sink, range.partition, parts, deadline);
  const sum = (pick: (part: LedgerStretch & { messages: number }) => number) =>
    parts.reduce((total, part) => total + pick(part), 0);
  const forgotten = {
    upTo: range.upTo,
    messages: sum((part) => part.messages),
    expected: sum((part) => part.rows),
    missing: findings.reduce((total, finding) => total + finding.missing, 0),
    covered,
  };
  // A cut with nothing below it: Pulsar still has every entry the batch ever had.
  return { forgotten: forgotten.messages === 0 && covered ? undefined : forgotten, findings };
}

/** The batch where Pulsar's memory begins is counted up to there only. */
export function cutBatch(batches: readonly ReadBatch[], upTo: Position): ReadBatch | undefined {
  return batches.find((batch) => isAfter(upTo, batch.after) && isAfter(batch.to, upTo));
}

function partOf(batch: ReadBatch, range: ForgottenRange): LedgerStretch & { messages: number } {
  const { after, to, rows, messages } = batch;
  if (comparePositions(to, range.upTo) <= 0) return { after, to, rows, messages };
  return {
    after,
    to: range.upTo,
    rows: rows - range.readOfCut.rows,
    messages: messages - range.readOfCut.messages,
  };
}

function covers(batches: readonly ReadBatch[], after: Position, upTo: Position): boolean {
  if (!isAfter(upTo, after)) return true;
  const [first] = batches;
  const last = batches.at(-1);
  if (!first || !last || isAfter(first.after, after) || isAfter(upTo, last.to)) return false;
  return batches.every((batch, index) => {
    const next = batches[index + 1];
    return next === undefined || isSamePosition(batch.to, next.after);
  });
}
