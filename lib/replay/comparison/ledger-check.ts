import { formatPosition, isSamePosition, type Position } from '../../pipeline/position.ts';
import type { Sink } from '../../ports/sink.ts';
import type { Absence } from './absence.ts';
import { compareCounts, type Finding } from './findings.ts';

/** A stretch of one partition and the rows the batch ledger says it must hold. */
export interface LedgerStretch {
  readonly after: Position;
  readonly to: Position;
  readonly rows: number;
  /** Why they may rightly be gone. */
  readonly absence?: Absence | undefined;
}

/** Bounds the memory of one exact count in the server. */
const ROWS_A_QUESTION = 500_000;

/**
 * Compares the table with the ledger alone, for what Pulsar has forgotten. Neighbours are counted together and only
 * told apart where the sum is wrong.
 */
export async function checkStretches(
  sink: Sink,
  partition: number,
  stretches: readonly LedgerStretch[],
  deadline: number,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const open = group(stretches).reverse();
  for (let next = open.pop(); next; next = open.pop()) {
    const first = next.at(0);
    const last = next.at(-1);
    if (!first || !last) continue;
    const range = { partition, after: first.after, to: last.to };
    const expected = next.reduce((sum, stretch) => sum + stretch.rows, 0);
    const where = `(${formatPosition(range.after)}, ${formatPosition(range.to)}]`;
    const found = await sink.countRows(range, deadline);
    const finding = compareCounts(where, expected, found, first.absence);
    if (!finding) continue;
    // Where nothing at all stands there is nothing wrong to be told apart, unless something should.
    const isGone = found.rows === 0 && first.absence !== undefined;
    if (next.length === 1 || isGone) findings.push(finding);
    else {
      const middle = Math.ceil(next.length / 2);
      open.push(next.slice(middle), next.slice(0, middle));
    }
  }
  return findings;
}

function group(stretches: readonly LedgerStretch[]): LedgerStretch[][] {
  const groups: LedgerStretch[][] = [];
  let rows = 0;
  for (const stretch of stretches) {
    const current = groups.at(-1);
    const before = current?.at(-1);
    const joins =
      before &&
      isSamePosition(before.to, stretch.after) &&
      before.absence === stretch.absence &&
      rows + stretch.rows <= ROWS_A_QUESTION;
    if (current && joins) {
      current.push(stretch);
      rows += stretch.rows;
    } else {
      groups.push([stretch]);
      rows = stretch.rows;
    }
  }
  return groups;
}
