import { formatPosition, type Position } from '../../pipeline/position.ts';
import type { EntryRows } from '../../ports/sink.ts';
import type { Absence } from './absence.ts';

/** Rows that must stand somewhere, those that do, and how the two differ. */
export interface RowBalance {
  readonly expected: number;
  /** Rows that stand there. */
  readonly rows: number;
  readonly missing: number;
  /** Rows that are gone rightly: by the table's TTL (`audit.horizon`), by recorded deletions (`audit.exclusions`). */
  readonly expired: number;
  readonly excluded: number;
  /** Rows above one for the same message. */
  readonly doubled: number;
  /** Rows of messages that do not exist, or are dead letters. */
  readonly foreign: number;
}

/** What one entry, or where Pulsar has forgotten its entries one batch, must hold and holds. */
export interface Finding extends RowBalance {
  /** The entry's position, or `(after, to]` of a batch. */
  readonly where: string;
}

/** An entry as Pulsar gave it. */
export interface ExpectedEntry {
  readonly position: Position;
  /** Rows it must have: its messages without the dead letters. */
  readonly rows: number;
  /** Why they may rightly be gone. */
  readonly absence?: Absence | undefined;
}

/** `absence`: whatever is not there is gone rightly. What stands there too much is wrong all the same. */
export function compareCounts(
  where: string,
  expected: number,
  found: { readonly rows: number; readonly distinct: number },
  absence?: Absence,
): Finding | undefined {
  if (found.rows === expected && found.distinct === expected) return undefined;
  const gone = Math.max(0, expected - found.distinct);
  return {
    where,
    expected,
    rows: found.rows,
    missing: absence === undefined ? gone : 0,
    expired: absence === 'expired' ? gone : 0,
    excluded: absence === 'excluded' ? gone : 0,
    doubled: found.rows - found.distinct,
    foreign: Math.max(0, found.distinct - expected),
  };
}

/** Both in order of position. */
export function compareEntries(
  expected: readonly ExpectedEntry[],
  found: readonly EntryRows[],
): readonly Finding[] {
  const standing = new Map(found.map((entry) => [formatPosition(entry.position), entry]));
  const findings: Finding[] = [];
  for (const entry of expected) {
    const where = formatPosition(entry.position);
    const finding = compareCounts(
      where,
      entry.rows,
      standing.get(where) ?? { rows: 0, distinct: 0 },
      entry.absence,
    );
    if (finding) findings.push(finding);
    standing.delete(where);
  }
  for (const [where, entry] of standing) {
    const finding = compareCounts(where, 0, entry);
    if (finding) findings.push(finding);
  }
  return findings;
}

/** Sums that never forget, and the first faults for people to look at: memory stays bounded however bad it is. */
export class FindingList {
  readonly first: Finding[] = [];
  missing = 0;
  expired = 0;
  excluded = 0;
  doubled = 0;
  foreign = 0;
  /** Of findings that are faults. */
  count = 0;
  private readonly kept: number;

  constructor(kept = 100) {
    this.kept = kept;
  }

  add(findings: readonly Finding[]): void {
    for (const finding of findings) {
      this.missing += finding.missing;
      this.expired += finding.expired;
      this.excluded += finding.excluded;
      this.doubled += finding.doubled;
      this.foreign += finding.foreign;
      if (finding.missing + finding.doubled + finding.foreign === 0) continue;
      this.count += 1;
      if (this.first.length < this.kept) this.first.push(finding);
    }
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }
}
