import type { PulsehouseError } from '../../pipeline/errors.ts';
import type { BatchBody } from '../../ports/sink.ts';
import type { Trial, TrialDepth, TrialFailure } from '../../ports/trial.ts';
import { ask, type ConsumeContext } from '../context.ts';
import { assertEmptyPasses } from './assert-empty-passes.ts';
import type { FoundRows } from './found-rows.ts';
import { SelectedRows } from './selected-rows.ts';

const ROUNDS = 3;
const PAUSE_BETWEEN_ROUNDS = 500;

/** Each search for rows that fail alike goes through the whole body: so many are worth it, and so many in vain. */
const MOST_ALIKE = 50;
const MOST_IN_VAIN = 5;

export interface SearchedBody {
  readonly context: ConsumeContext;
  readonly trial: Trial;
  readonly body: BatchBody;
  readonly depth: TrialDepth;
}

export interface SearchedRows extends SearchedBody {
  /** Rows found to be bad, by others too; they are left out of what is tried. */
  readonly found: FoundRows;
}

/** Tries rows of the body, or the statement alone where there are none. */
export function probe(
  { context, trial, body, depth }: SearchedBody,
  rows: readonly number[],
): Promise<TrialFailure | undefined> {
  const part = rows.length === 0 ? body : new SelectedRows(body, rows);
  return ask(context, (deadline) => trial.probe(part, 0, rows.length, depth, deadline));
}

/** Row numbers `[from, to)` that are still to be tried. */
type Part = readonly [from: number, to: number];

/**
 * Finds the rows of `[from, to)` that fail by themselves. The server names the first bad row, or the block it is in, where
 * it can; where it cannot, the part is halved until one row is left.
 */
export async function searchWindow(searched: SearchedRows, from: number, to: number): Promise<void> {
  const { found } = searched;
  const parts: Part[] = [[from, to]];
  for (let part = parts.pop(); part; part = parts.pop()) {
    const [first, last] = part;
    const rows = numbers(first, last).filter((row) => !found.rows.has(row));
    const failure = rows.length === 0 ? undefined : await probe(searched, rows);
    if (!failure) continue;
    const bad = await blamedRow(searched, failure, rows);
    if (bad) {
      await blame(searched, bad);
      parts.push(isSingle(failure) ? joined([bad.row + 1, last], parts) : part);
    } else if (rows.length > 1) {
      parts.push(...split(rows, last, failure));
    }
  }
}

/** The row itself is known, and what was tried before it passed. */
function isSingle({ among }: TrialFailure): boolean {
  return among !== undefined && among[1] - among[0] === 1;
}

/** A part together with the one that is tried next, where it follows: one statement for both. */
function joined([from, to]: Part, parts: Part[]): Part {
  if (parts.at(-1)?.[0] !== to) return [from, to];
  const [, end] = parts.pop() as Part;
  return [from, end];
}

/** What is left to try of rows that fail, the next one last. What went before the block that failed has passed. */
function split(rows: readonly number[], last: number, { among }: TrialFailure): Part[] {
  const [from, to] =
    among !== undefined && among[1] - among[0] < rows.length ? among : [0, Math.floor(rows.length / 2)];
  const first = rows[from] as number;
  const next = rows[to];
  return next === undefined
    ? [[first, last]]
    : [
        [next, last],
        [first, next],
      ];
}

interface BadRow {
  readonly row: number;
  readonly error: PulsehouseError;
}

/** What failed in between may be the table or a dictionary, and then it fails without rows too: that is looked at first. */
async function blame({ context, trial, body, depth, found }: SearchedRows, bad: BadRow): Promise<void> {
  await assertEmptyPasses({ context, trial, body, depth });
  found.add(bad.row, bad.error.message);
  if (depth !== 'columns' || found.searchesAlike >= MOST_ALIKE || found.searchesInVain >= MOST_IN_VAIN)
    return;
  found.searchesAlike += 1;
  const alike = await ask(context, (deadline) => trial.alike(body, bad.row, deadline));
  found.searchesInVain = alike.length === 0 ? found.searchesInVain + 1 : 0;
  for (const row of alike) found.add(row, bad.error.message);
}

/** A row is blamed only when it fails alone: what the server says of rows may be a payload's own words. */
async function blamedRow(
  searched: SearchedRows,
  failure: TrialFailure,
  rows: readonly number[],
): Promise<BadRow | undefined> {
  const row = rows.length === 1 ? rows[0] : rows[named(failure) ?? -1];
  if (row === undefined) return undefined;
  const alone = rows.length === 1 ? failure : await probe(searched, [row]);
  if (!alone) return undefined;
  const isBad = alone.error.kind === 'terminal' || (await failsAgain(searched, row));
  return isBad ? { row, error: alone.error } : undefined;
}

function named(failure: TrialFailure): number | undefined {
  return isSingle(failure) ? failure.among?.[0] : failure.row;
}

/**
 * A limit or a fault that passes by itself says nothing of the row, unless the row meets it again and again while another
 * one does not.
 * @throws PulsehouseError what the other row met, retryable
 */
async function failsAgain(searched: SearchedRows, row: number): Promise<boolean> {
  const { context, body, found } = searched;
  const other = numbers(0, body.rows).find((each) => each !== row && !found.rows.has(each));
  for (let round = 0; round < ROUNDS; round += 1) {
    await context.environment.sleep(PAUSE_BETWEEN_ROUNDS);
    const control = await probe(searched, other === undefined ? [] : [other]);
    if (control && control.error.kind !== 'terminal') throw control.error;
    if (!(await probe(searched, [row]))) return false;
  }
  return true;
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
