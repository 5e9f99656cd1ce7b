import { whileRenewed } from '../../leases/keep-renewed.ts';
import type { Lease } from '../../leases/lease.ts';
import type { CycleState } from '../../pipeline/cycle-state.ts';
import { PulsehouseError } from '../../pipeline/errors.ts';
import { BEFORE_ALL, formatPosition, LAST_OF_ALL, type Position } from '../../pipeline/position.ts';
import type { RowCopy, RowPart } from '../../ports/row-copy.ts';
import type { RowCount, RowRange } from '../../ports/sink.ts';
import { absencesOf, expiredBefore } from '../comparison/absence.ts';
import { HELD_FOR } from '../hold.ts';
import { removeRows } from '../reset/remove-rows.ts';
import type { Base } from './base.ts';
import type { BranchDependencies } from './branch-run.ts';

/** A copy that the server has not taken in by then copies nothing. */
const VALID_FOR = 10_000;
/** The server compares whole seconds. */
const CLOCK_MARGIN = 1_000;
const LOOK_AGAIN = 1_000;

export interface CopyTerms {
  /** Whether somebody may have begun to copy before: what of it is under way is outlived. */
  readonly begunBefore: boolean;
  /** Rows of one statement. */
  readonly rowsAtOnce: number;
  readonly onCopied?: (rows: number) => void;
}

/**
 * Copies every row up to the base, part by part, while the lease keeps everybody else away. A part is whole, or not
 * begun, or is removed and copied again; so it may be cut off anywhere.
 * @throws PulsehouseError PH_FENCED, PH_ROWS_NOT_REMOVED, PH_RESET_REFUSED when the rows of the source are not distinct.
 */
export async function copyRows(
  dependencies: BranchDependencies,
  copy: RowCopy,
  lease: Lease<CycleState>,
  base: Base,
  terms: CopyTerms,
  deadline: number,
): Promise<void> {
  const { sink, pipeline } = dependencies;
  const prefix = `${pipeline.name}/copy/`;
  if (terms.begunBefore) await outlive(dependencies, lease, deadline);
  await sink.kill(prefix, deadline);
  for (const { partition, committed } of base.partitions) {
    const range = { partition, after: BEFORE_ALL, to: committed };
    for (const part of await copy.parts(range, terms.rowsAtOnce, deadline)) {
      await copyPart(dependencies, copy, lease, part, deadline);
      terms.onCopied?.(part.rows);
    }
  }
}

async function copyPart(
  dependencies: BranchDependencies,
  copy: RowCopy,
  lease: Lease<CycleState>,
  { range }: RowPart,
  deadline: number,
): Promise<void> {
  const { sink, environment, pipeline } = dependencies;
  const meant = await copy.countRows(range, deadline);
  if (meant.rows !== meant.distinct) throw doubled(copy.source, range, meant);
  const found = await sink.countRows(range, deadline);
  if (isSame(found, meant)) return;
  if (found.rows > 0)
    await removeRows(dependencies, lease, { ranges: [range], begunBefore: false }, deadline);
  const notAfter = (await sink.serverNow(deadline)) + VALID_FOR;
  await lease.update((state) => state);
  const queryId = `${pipeline.name}/copy/${environment.uniqueId()}`;
  // One part may take longer than the lease lasts.
  await whileRenewed(dependencies, lease, HELD_FOR, () => copy.copy(range, queryId, notAfter, deadline));
  const stands = await sink.countRows(range, deadline);
  if (isSame(stands, meant)) return;
  throw new PulsehouseError(
    'PH_RESET_UNFINISHED',
    `${stands.rows} of ${meant.rows} rows stand after they were copied`,
    { where: { table: sink.table, partition: range.partition, position: formatPosition(range.to) } },
  );
}

/** What a predecessor sent is refused by the server from then on, or runs and is killed. */
async function outlive(
  { sink, environment }: BranchDependencies,
  lease: Lease<CycleState>,
  deadline: number,
): Promise<void> {
  const until = (await sink.serverNow(deadline)) + VALID_FOR + CLOCK_MARGIN;
  while ((await sink.serverNow(deadline)) < until) {
    await lease.renewIfDue();
    await environment.sleep(LOOK_AGAIN);
  }
}

/**
 * The rows up to the base, held against what the first pipeline's snapshot says was stored since its last reset. A dead
 * letter may have become a row since.
 * @throws PulsehouseError PH_RESET_REFUSED
 */
export async function assertRows(
  dependencies: BranchDependencies,
  { partitions }: Base,
  deadline: number,
): Promise<ReadonlyMap<number, number>> {
  const { sink } = dependencies;
  const rows = new Map<number, number>();
  for (const { partition, origin, committed, totals } of partitions) {
    const found = await sink.countRows({ partition, after: origin, to: committed }, deadline);
    const most = totals.rows + totals.deadLetters;
    const least = mayMiss(dependencies, partition) ? 0 : totals.rows;
    if (found.rows !== found.distinct) {
      throw doubled(sink.table, { partition, after: origin, to: committed }, found);
    }
    if (found.rows < least || found.rows > most) {
      throw new PulsehouseError(
        'PH_RESET_REFUSED',
        `${found.rows} rows stand where the checkpoint counts ${totals.rows}`,
        {
          where: { table: sink.table, partition, position: formatPosition(committed) },
          nextStep:
            'Bring the rows there, or give --copy-rows; if the first table lacks them too, `pulsehouse replay --mode repair` there first, or record as audit.exclusions what was deleted on purpose. Then give the same command again.',
        },
      );
    }
    rows.set(partition, found.rows);
  }
  return rows;
}

/** How many rows a TTL or recorded deletions took away is for an audit to say, entry by entry. */
function mayMiss({ pipeline, environment }: BranchDependencies, partition: number): boolean {
  const { expiredBefore: expired, exclusions } = absencesOf(
    pipeline,
    partition,
    expiredBefore(pipeline, environment.now()),
  );
  return expired !== undefined || exclusions.length > 0;
}

/** Rows above the base will be read: who has them already is the first pipeline's own table, or somebody wrote there. */
export async function assertNoneAbove(
  { sink }: BranchDependencies,
  partitions: readonly { readonly partition: number; readonly committed: Position }[],
  deadline: number,
): Promise<void> {
  for (const { partition, committed } of partitions) {
    const { rows } = await sink.countRows({ partition, after: committed, to: LAST_OF_ALL }, deadline);
    if (rows === 0) continue;
    throw new PulsehouseError('PH_RESET_REFUSED', `${rows} rows of messages stand there that will be read`, {
      where: { table: sink.table, partition, position: formatPosition(committed) },
      nextStep:
        'Name a table that nobody else writes to; of copied partitions, remove what lies above the position.',
    });
  }
}

function isSame(found: RowCount, meant: RowCount): boolean {
  return found.rows === meant.rows && found.distinct === meant.distinct;
}

function doubled(table: string, { partition, after, to }: RowRange, { rows, distinct }: RowCount) {
  const where = { table, partition, position: `(${formatPosition(after)}, ${formatPosition(to)}]` };
  return new PulsehouseError('PH_RESET_REFUSED', `${rows} rows stand there, ${distinct} of them distinct`, {
    where,
    nextStep: '`pulsehouse replay --mode replace` on the first pipeline rewrites the range; then again.',
  });
}
