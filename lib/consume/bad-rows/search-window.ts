import type { PulsehouseError } from '../../pipeline/errors.ts';
import type { BatchBody } from '../../ports/sink.ts';
import type { Trial, TrialDepth, TrialFailure } from '../../ports/trial.ts';
import { ask, type ConsumeContext } from '../context.ts';

const ROUNDS = 3;
const PAUSE_BETWEEN_ROUNDS = 500;

export interface BlamedRow {
  readonly row: number;
  readonly error: PulsehouseError;
}

export interface SearchedBody {
  readonly context: ConsumeContext;
  readonly trial: Trial;
  readonly body: BatchBody;
  readonly depth: TrialDepth;
}

export function probe(
  { context, trial, body, depth }: SearchedBody,
  from: number,
  to: number,
): Promise<TrialFailure | undefined> {
  return ask(context, (deadline) => trial.probe(body, from, to, depth, deadline));
}

/**
 * The rows of `[from, to)` that fail by themselves. The server names the first bad row where it can; where it cannot, the
 * part is halved until one row is left.
 */
export async function searchWindow(
  searched: SearchedBody,
  from: number,
  to: number,
): Promise<readonly BlamedRow[]> {
  const blamed: BlamedRow[] = [];
  const parts: [from: number, to: number][] = [[from, to]];
  for (let part = parts.pop(); part; part = parts.pop()) {
    const [first, last] = part;
    if (first >= last) continue;
    const failure = await probe(searched, first, last);
    if (!failure) continue;
    const row = await blamedRow(searched, failure, first, last);
    if (row !== undefined) {
      blamed.push(row);
      parts.push([row.row + 1, last], [first, row.row]);
    } else if (last - first > 1) {
      const middle = first + Math.floor((last - first) / 2);
      parts.push([middle, last], [first, middle]);
    }
  }
  return blamed;
}

/** A row is blamed only when it fails alone: what the server says of rows may be a payload's own words. */
async function blamedRow(
  searched: SearchedBody,
  failure: TrialFailure,
  first: number,
  last: number,
): Promise<BlamedRow | undefined> {
  const row = last - first === 1 ? first : failure.row;
  if (row === undefined) return undefined;
  const alone = last - first === 1 ? failure : await probe(searched, row, row + 1);
  if (!alone) return undefined;
  const isBad = alone.error.kind === 'terminal' || (await failsAgain(searched, row));
  return isBad ? { row, error: alone.error } : undefined;
}

/**
 * A limit or a fault that passes by itself says nothing of the row, unless the row meets it again and again while another
 * one does not.
 * @throws PulsehouseError what the other row met, retryable
 */
async function failsAgain(searched: SearchedBody, row: number): Promise<boolean> {
  const { context, body } = searched;
  const other = row + 1 < body.rows ? row + 1 : row - 1;
  for (let round = 0; round < ROUNDS; round += 1) {
    await context.environment.sleep(PAUSE_BETWEEN_ROUNDS);
    const control = other < 0 ? await probe(searched, 0, 0) : await probe(searched, other, other + 1);
    if (control && control.error.kind !== 'terminal') throw control.error;
    if (!(await probe(searched, row, row + 1))) return false;
  }
  return true;
}
