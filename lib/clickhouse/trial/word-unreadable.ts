import type { TrialFailure, UnreadableRow } from '../../ports/trial.ts';
import { columnOf } from '../error-table.ts';
import { ServerError } from '../server-error.ts';
import type { Fields } from './sift.ts';
import { type ReadAs, unreadableFields } from './unreadable-fields.ts';

/** Rows that the server words one by one before the field alone is named. */
export const MOST_WORDED = 20;

/** So many are cheaper to look at one by one than to be searched for by their field. */
const FEW = 4;

export interface Wording {
  readonly fields: Fields;
  readonly readAs: ReadAs;
  /** What the server says of one row alone. */
  readonly wordsOf: (row: number) => Promise<TrialFailure | undefined>;
  readonly fieldReason: (row: number, field: string) => string;
}

/**
 * Reasons for rows that cannot be read. The server words one of them and names its field; all others that the same field
 * spoils are found at once. A row that passes when it is looked at is left out.
 */
export async function wordUnreadable(
  rows: readonly number[],
  { fields, readAs, wordsOf, fieldReason }: Wording,
): Promise<readonly UnreadableRow[]> {
  const worded: UnreadableRow[] = [];
  let rest = rows;
  for (let looked = 0; looked < MOST_WORDED; looked += 1) {
    const [row, ...others] = rest;
    if (row === undefined) return worded;
    rest = others;
    const failure = await wordsOf(row);
    if (failure === undefined) continue;
    worded.push({ row, reason: failure.error.message });
    const field = fieldOf(failure, fields);
    if (field === undefined || others.length <= FEW) continue;
    const alike = new Set(await readAs({ [field]: fields[field] as string }, others));
    for (const other of alike) worded.push({ row: other, reason: fieldReason(other, field) });
    rest = others.filter((other) => !alike.has(other));
  }
  const spoiled = await unreadableFields(fields, rest, readAs);
  for (const row of rest) {
    const field = spoiled.get(row);
    const reason = field === undefined ? 'it cannot be read as the source fields' : fieldReason(row, field);
    worded.push({ row, reason });
  }
  return worded;
}

function fieldOf({ error }: TrialFailure, fields: Fields): string | undefined {
  const name = error.cause instanceof ServerError ? columnOf(error.cause.message) : undefined;
  return name !== undefined && Object.hasOwn(fields, name) ? name : undefined;
}
