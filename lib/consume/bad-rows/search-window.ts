import type { PulsehouseError } from '../../pipeline/errors.ts';
import type { BatchBody } from '../../ports/sink.ts';
import type { Trial, TrialDepth, TrialFailure } from '../../ports/trial.ts';
import { ask, type ConsumeContext } from '../context.ts';
import { assertEmptyPasses } from './assert-empty-passes.ts';
import type { FoundRows } from './found-rows.ts';
import { SelectedRows } from './selected-rows.ts';

const ROUNDS = 3;
const PAUSE_BETWEEN_ROUNDS = 500;

/** Searches for rows that fail alike are worth a look at the whole body so often, and no more. */
const MOST_ALIKE = 50;

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

/**
 * Finds the rows of `[from, to)` that fail by themselves. The server names the first bad row where it can; where it
 * cannot, the part is halved until one row is left.
 */
export async function searchWindow(searched: SearchedRows, from: number, to: number): Promise<void> {
  const { found } = searched;
  const parts: [from: number, to: number][] = [[from, to]];
  for (let part = parts.pop(); part; part = parts.pop()) {
    const [first, last] = part;
    const rows = numbers(first, last).filter((row) => !found.rows.has(row));
    const failure = rows.length === 0 ? undefined : await probe(searched, rows);
    if (!failure) continue;
    const bad = await blamedRow(searched, failure, rows);
    if (bad) {
      await blame(searched, bad);
      parts.push(part);
    } else if (rows.length > 1) {
      const middle = rows[Math.floor(rows.length / 2)] as number;
      parts.push([middle, last], [first, middle]);
    }
  }
}

interface BadRow {
  readonly row: number;
  readonly error: PulsehouseError;
}

/** What failed in between may be the table or a dictionary, and then it fails without rows too: that is looked at first. */
async function blame({ context, trial, body, depth, found }: SearchedRows, bad: BadRow): Promise<void> {
  await assertEmptyPasses({ context, trial, body, depth });
  found.add(bad.row, bad.error.message);
  if (depth !== 'columns' || found.searchesAlike >= MOST_ALIKE) return;
  found.searchesAlike += 1;
  const alike = await ask(context, (deadline) => trial.alike(body, bad.row, deadline));
  for (const row of alike) found.add(row, bad.error.message);
}

/** A row is blamed only when it fails alone: what the server says of rows may be a payload's own words. */
async function blamedRow(
  searched: SearchedRows,
  failure: TrialFailure,
  rows: readonly number[],
): Promise<BadRow | undefined> {
  const row = rows.length === 1 ? rows[0] : rows[failure.row ?? -1];
  if (row === undefined) return undefined;
  const alone = rows.length === 1 ? failure : await probe(searched, [row]);
  if (!alone) return undefined;
  const isBad = alone.error.kind === 'terminal' || (await failsAgain(searched, row));
  return isBad ? { row, error: alone.error } : undefined;
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
