import { whileRenewed } from '../leases/keep-renewed.ts';
import type { Lease } from '../leases/lease.ts';
import { isPulsehouseError, PulsehouseError } from '../pipeline/errors.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import { formatPosition } from '../pipeline/position.ts';
import { type ViewGap, withoutView } from '../pipeline/view-gaps.ts';
import type { Log } from '../ports/log.ts';
import type { View, ViewTables } from '../ports/view-tables.ts';
import { HELD_FOR, type HoldDependencies, holdPartition } from './hold.ts';

export type RefillDependencies = HoldDependencies & { readonly log: Log; readonly views: ViewTables };

export interface RefillRequest {
  /** `database.view`; every one that may lack something when left out. */
  readonly view?: string | undefined;
  /** Views without position columns too: what they have already of a range, they then have twice. */
  readonly unchecked: boolean;
}

/** One range of the table that one view lacks, or may lack. */
export interface ViewLack {
  readonly partition: number;
  readonly view: string;
  readonly after: string;
  readonly to: string;
  readonly answered: boolean;
  /** Rows the view's query makes of the range, and those the view lacks; undefined where that cannot be told. */
  readonly rows: number | undefined;
  readonly missing: number | undefined;
  /** Why a refill leaves it alone. */
  readonly leftAlone: string | undefined;
}

/** What views lack, asked of the server as well as of the state. Changes nothing. */
export async function listViewLacks(
  dependencies: RefillDependencies,
  request: RefillRequest,
  deadline: number,
): Promise<readonly ViewLack[]> {
  const { pipeline, state, views } = dependencies;
  const cycle = await state.readCycle(pipeline.name, deadline);
  if (!cycle)
    throw new PulsehouseError('PH_STATE_MISSING', `pipeline ${pipeline.name} was never initialised`);
  const states = await state.readPartitions(pipeline.name, cycle.partitions, deadline);
  const known = await views.views(deadline);
  const lacks: ViewLack[] = [];
  for (const { partition, viewGaps } of states) {
    for (const gap of viewGaps ?? []) {
      for (const name of wanted(gap, request)) {
        lacks.push(await lackOf(dependencies, { partition, gap, name, known, request }, deadline));
      }
    }
  }
  return lacks;
}

/**
 * Gives views what they lack, a partition after the other, and forgets that they lacked it. Each partition's lease is held
 * meanwhile, so that it stores nothing; cut off, it is given again.
 * @throws PulsehouseError PH_HALTED, PH_REPLAY_BUSY when a consumer does not end before the deadline, PH_CLICKHOUSE_*.
 */
export async function refillViews(
  dependencies: RefillDependencies,
  request: RefillRequest,
  run: { readonly owner: string; readonly deadline: number },
): Promise<readonly ViewLack[]> {
  const found = await listViewLacks(dependencies, request, run.deadline);
  const filled: ViewLack[] = [];
  for (const partition of new Set(found.map((lack) => lack.partition))) {
    const lease = await hold(dependencies, partition, run);
    try {
      await whileRenewed(dependencies, lease, HELD_FOR, async () => {
        filled.push(...(await refillPartition(dependencies, lease, request, run.deadline)));
      });
    } finally {
      await lease.release();
    }
  }
  return filled;
}

async function hold(
  dependencies: RefillDependencies,
  partition: number,
  { owner, deadline }: { readonly owner: string; readonly deadline: number },
): Promise<Lease<PartitionState>> {
  const { state, pipeline } = dependencies;
  const found = await state.readPartition(pipeline.name, partition, deadline);
  // Holding it would let it go on.
  if (found?.halted) {
    throw new PulsehouseError('PH_HALTED', `partition ${partition} is halted: ${found.halted.reason}`);
  }
  return holdPartition(dependencies, partition, owner, deadline);
}

async function refillPartition(
  dependencies: RefillDependencies,
  lease: Lease<PartitionState>,
  request: RefillRequest,
  deadline: number,
): Promise<readonly ViewLack[]> {
  const { views } = dependencies;
  const { partition } = lease.state;
  const known = await views.views(deadline);
  const filled: ViewLack[] = [];
  for (const gap of lease.state.viewGaps ?? []) {
    for (const name of wanted(gap, request)) {
      const lack = await lackOf(dependencies, { partition, gap, name, known, request }, deadline);
      const view = known.find((each) => each.name === name);
      if (view && lack.leftAlone !== undefined) continue;
      if (view && lack.missing !== 0) await refill(views, view, { partition, gap }, deadline);
      await lease.update((state) => {
        const left = withoutView(state.viewGaps ?? [], gap, name);
        return { ...state, viewGaps: left.length === 0 ? undefined : left };
      });
      filled.push(lack);
    }
  }
  return filled;
}

/** @throws PulsehouseError PH_CLICKHOUSE_FAILED when rows are missing all the same */
async function refill(
  views: ViewTables,
  view: View,
  { partition, gap }: { readonly partition: number; readonly gap: ViewGap },
  deadline: number,
): Promise<void> {
  const { after, to, since } = gap;
  const range = { partition, after, to };
  const token = `refill/${view.name}/${partition}/${formatPosition(after)}-${formatPosition(to)}/${since}`;
  await views.refill(view, range, token, deadline);
  if (!view.hasPositions) return;
  const { missing } = await views.countRows(view, range, deadline);
  if (missing === 0) return;
  throw new PulsehouseError(
    'PH_CLICKHOUSE_FAILED',
    `${view.name} lacks ${missing} rows of partition ${partition} after they were inserted: does what it fills fold or drop rows?`,
  );
}

interface Place {
  readonly partition: number;
  readonly gap: ViewGap;
  readonly name: string;
  readonly known: readonly View[];
  readonly request: RefillRequest;
}

async function lackOf(
  { views }: RefillDependencies,
  { partition, gap, name, known, request }: Place,
  deadline: number,
): Promise<ViewLack> {
  const { after, to, answered } = gap;
  const view = known.find((each) => each.name === name);
  const lack = { partition, view: name, after: formatPosition(after), to: formatPosition(to), answered };
  const unknown = { ...lack, rows: undefined, missing: undefined };
  if (!view?.isDirect) return { ...unknown, leftAlone: reasonToLeave(view, request) };
  try {
    const rows = await views.countRows(view, { partition, after, to }, deadline);
    return { ...lack, ...rows, leftAlone: reasonToLeave(view, request) };
  } catch (error) {
    if (!isPulsehouseError(error) || error.kind !== 'terminal') throw error;
    return { ...unknown, leftAlone: `its query fails, mend it first: ${error.message}` };
  }
}

function reasonToLeave(view: View | undefined, { unchecked }: RefillRequest): string | undefined {
  if (!view) return 'the view is no longer there: it is forgotten';
  if (!view.isDirect) return 'it reads another view: fill it by hand once that one is whole';
  if (view.hasPositions || unchecked) return undefined;
  return 'it has no position columns, so that nobody can tell which rows it has: --unchecked inserts all of the range';
}

function wanted({ views }: ViewGap, { view }: RefillRequest): readonly string[] {
  return view === undefined ? views : views.filter((name) => name === view);
}
