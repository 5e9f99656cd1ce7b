import type { FirstIndexes } from '../../pipeline/index-hash.ts';
import { formatPosition, type Position } from '../../pipeline/position.ts';
import type { EntryRows } from '../../ports/sink.ts';
import type { Absence } from './absence.ts';
import { hashOfSet, type IndexSet, isInSet, sizeOf } from './index-set.ts';

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
  /** Its messages without the dead letters: one row of each. */
  readonly indexes: IndexSet;
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

export interface Comparison {
  /** Without those of the suspects. */
  readonly findings: readonly Finding[];
  /** Entries whose rows are not those they must be; which are, their counts do not say. */
  readonly suspects: readonly ExpectedEntry[];
}

/** Sets are compared by their hashes, whatever their sizes. Both in order of position. */
export function compareEntries(
  expected: readonly ExpectedEntry[],
  found: readonly EntryRows[],
  first: FirstIndexes,
): Comparison {
  const standing = new Map(found.map((entry) => [formatPosition(entry.position), entry]));
  const findings: (Finding | undefined)[] = [];
  const suspects: ExpectedEntry[] = [];
  for (const entry of expected) {
    const where = formatPosition(entry.position);
    const size = sizeOf(entry.indexes);
    const rows = standing.get(where) ?? NO_ROWS;
    standing.delete(where);
    if (rows.rows === 0 || size === 0) findings.push(compareCounts(where, size, rows, entry.absence));
    else if (!isWhole(entry.indexes, rows, first)) suspects.push(entry);
  }
  for (const [where, entry] of standing) findings.push(compareCounts(where, 0, entry));
  return { findings: findings.filter((finding) => finding !== undefined), suspects };
}

const NO_ROWS = { rows: 0, distinct: 0, indexHash: 0n };

function isWhole(
  set: IndexSet,
  { rows, distinct, indexHash }: Omit<EntryRows, 'position'>,
  first: FirstIndexes,
): boolean {
  return rows === sizeOf(set) && distinct === rows && indexHash === hashOfSet(set, first);
}

/** What suspects hold, message by message. `standing`: each row's message index, by the position of its entry. */
export function compareSuspects(
  suspects: readonly ExpectedEntry[],
  standing: ReadonlyMap<string, readonly number[]>,
): readonly Finding[] {
  return suspects.flatMap(
    (entry) => compareSets(entry, standing.get(formatPosition(entry.position)) ?? []) ?? [],
  );
}

function compareSets({ position, indexes: set, absence }: ExpectedEntry, rows: readonly number[]) {
  const distinct = new Set(rows);
  const right = [...distinct].filter((index) => isInSet(set, index)).length;
  const [where, expected] = [formatPosition(position), sizeOf(set)];
  const finding = compareCounts(where, expected, { rows: right, distinct: right }, absence);
  const beside = {
    rows: rows.length,
    doubled: rows.length - distinct.size,
    foreign: distinct.size - right,
  };
  if (!finding && beside.doubled + beside.foreign === 0) return undefined;
  return { where, expected, missing: 0, expired: 0, excluded: 0, ...finding, ...beside };
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
