import type { BatchRecord } from '../../pipeline/partition-state.ts';
import { isAfter, type Position } from '../../pipeline/position.ts';
import type { StateStore } from '../../ports/state-store.ts';
import type { Segment } from './segments.ts';

/** One generation of one partition, or what one replay did of it. */
export interface LedgerScope {
  readonly pipeline: string;
  readonly partition: number;
  readonly generation: string;
}

/** What of the batches of one generation a comparison of some range needs. */
export interface LedgerPart {
  /** Those that touch the range, in order. */
  readonly records: readonly BatchRecord[];
  /** Where the first one at or below `upTo` begins that has not expired; undefined where there is none. */
  readonly begins: Position | undefined;
  /** Of all at or below `upTo` that have not expired: counted only where the range reaches below them. */
  readonly left: { readonly rows: number; readonly messages: number };
}

type Batches = Pick<StateStore, 'readBatches' | 'readBatchesFrom'>;

const PAGE = 2_000;

/** Everything there is. */
export async function readWholePart(
  store: Batches,
  { pipeline, partition, generation }: LedgerScope,
  upTo: Position,
  deadline: number,
): Promise<LedgerPart> {
  const records = await store.readBatches(pipeline, partition, generation, deadline);
  const counted = records.filter((batch) => !isAfter(batch.to, upTo));
  return { records, begins: counted[0]?.after, left: sumOf(NOTHING, counted) };
}

/**
 * Of `(after, to]`. Looks for the first by key, so that what lies below costs some twenty requests
 * however much it is. Memory holds the range and one page.
 */
export async function readPart(
  store: Batches,
  scope: LedgerScope,
  { after, to }: Segment,
  upTo: Position,
  deadline: number,
): Promise<LedgerPart> {
  if (!isAfter(to, after)) return { records: [], begins: undefined, left: NOTHING };
  const read = (from: number) => store.readBatchesFrom({ ...scope, from, limit: PAGE }, deadline);
  let page = await read(0);
  const [first] = page;
  if (!first) return { records: [], begins: undefined, left: NOTHING };
  const begins = isAfter(first.to, upTo) ? undefined : first.after;
  const isFromBelow = isAfter(first.after, after);
  const firstBehind = page.at(-1);
  if (page.length === PAGE && firstBehind && !isAfter(firstBehind.to, after))
    page = await read(await firstAbove(store, scope, firstBehind, after, deadline));
  const records: BatchRecord[] = [];
  let left = NOTHING;
  for (;;) {
    for (const batch of page) if (isAfter(batch.to, after) && isAfter(to, batch.after)) records.push(batch);
    const counted = page.filter((batch) => !isAfter(batch.to, upTo));
    if (isFromBelow) left = sumOf(left, counted);
    const last = page.at(-1);
    const isBehind = last !== undefined && !isAfter(to, last.to);
    // What expired below is the totals less all that has not.
    const isCounted = !isFromBelow || counted.length < page.length;
    if (!last || page.length < PAGE || (isBehind && isCounted)) return { records, begins, left };
    page = await read(last.seq + 1);
  }
}

/** The `seq` of the first batch that reaches beyond `after`, looked for from `known` on. */
async function firstAbove(
  store: Batches,
  scope: LedgerScope,
  known: BatchRecord,
  after: Position,
  deadline: number,
): Promise<number> {
  if (isAfter(known.to, after)) return known.seq;
  let below = known.seq;
  let step = 1;
  let above: number | undefined;
  while (above === undefined || above - below > 1) {
    const middle = above === undefined ? below + step : Math.floor((below + above) / 2);
    step *= 2;
    const [found] = await store.readBatchesFrom({ ...scope, from: middle, limit: 1 }, deadline);
    if (!found || isAfter(found.to, after)) above = middle;
    else below = found.seq;
  }
  return above;
}

/**
 * Positions that cut `(after, to]` of one generation between batches, so that so many lie between two of them: what is
 * compared at once.
 */
export async function cutsOf(
  store: Batches,
  scope: LedgerScope,
  { after, to }: Segment,
  batches: number,
  deadline: number,
): Promise<readonly Position[]> {
  const [first] = await store.readBatchesFrom({ ...scope, from: 0, limit: 1 }, deadline);
  if (!first) return [];
  const cuts: Position[] = [];
  let seq = await firstAbove(store, scope, first, after, deadline);
  for (;;) {
    const next = seq + batches;
    const [last] = await store.readBatchesFrom({ ...scope, from: next - 1, limit: 1 }, deadline);
    if (!last || !isAfter(to, last.to)) return cuts;
    cuts.push(last.to);
    seq = last.seq + 1;
  }
}

const NOTHING = { rows: 0, messages: 0 };

function sumOf(before: LedgerPart['left'], batches: readonly BatchRecord[]): LedgerPart['left'] {
  return batches.reduce(
    (sum, { rows, messages }) => ({ rows: sum.rows + rows, messages: sum.messages + messages }),
    before,
  );
}
