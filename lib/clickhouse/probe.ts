import type { ClickHouseSettings } from '@clickhouse/client';
import { isPulsehouseError, type PulsehouseError } from '../pipeline/errors.ts';
import type { BatchBody, ProbeResult } from '../ports/sink.ts';
import { badRowOf } from './error-table.ts';
import { INSERT_SETTINGS } from './insert-settings.ts';
import type { Questions } from './questions.ts';
import { ServerError } from './server-error.ts';
import { type Mapping, probeStatement } from './statement.ts';
import type { TableFinding } from './table-check.ts';
import { targetTypes } from './target-types.ts';

/** The last second that fits the statement's parameter: a probe stores nothing, however late it comes. */
const NEVER_LATE = 2 ** 32 - 1;

interface Rows {
  readonly body: BatchBody;
  readonly from: number;
  readonly to: number;
  /** Those of the insert. */
  readonly settings: ClickHouseSettings;
}

/** Sends rows of a body through the mapping, converted to the table's types, into nowhere. */
export async function probe(
  questions: Questions,
  mapping: Mapping,
  { body, from, to, settings }: Rows,
  deadline: number,
): Promise<ProbeResult> {
  const sql = await statementOf(questions, mapping, deadline);
  const tryRows = (first: number, last: number): Promise<PulsehouseError | undefined> =>
    dataErrorOf(
      questions,
      sql,
      { partition: body.partition, chunks: body.chunks(first, last), settings },
      deadline,
    );
  const error = await tryRows(from, to);
  if (error === undefined) return { ok: true };
  const named = error.cause instanceof ServerError ? badRowOf(error.cause.message) : undefined;
  const row = named === undefined ? undefined : from + named;
  if (row === undefined || row >= to) return { ok: false, badRow: undefined, error };
  // The message quotes payloads, and what they say of rows must not be believed: only one that fails alone is blamed.
  const alone = to - from === 1 ? error : await tryRows(row, row + 1);
  return { ok: false, badRow: alone && row, error: alone ?? error };
}

/** What is wrong with the mapping itself, found by sending no row through it. */
export async function checkMapping(
  questions: Questions,
  mapping: Mapping,
  deadline: number,
): Promise<readonly TableFinding[]> {
  try {
    const nothing = { partition: 0, chunks: [], settings: INSERT_SETTINGS };
    await tryBody(questions, await statementOf(questions, mapping, deadline), nothing, deadline);
    return [];
  } catch (error) {
    if (!isPulsehouseError(error) || error.code !== 'PH_TABLE_MISMATCH') throw error;
    return [{ severity: 'error', message: `the mapping does not fit: ${error.message}`, sql: undefined }];
  }
}

async function statementOf(questions: Questions, mapping: Mapping, deadline: number): Promise<string> {
  return probeStatement(mapping, await targetTypes(questions, mapping.target, deadline));
}

async function dataErrorOf(...attempt: Parameters<typeof tryBody>): Promise<PulsehouseError | undefined> {
  try {
    await tryBody(...attempt);
    return undefined;
  } catch (error) {
    if (isPulsehouseError(error) && error.code === 'PH_VALUE_REFUSED') return error;
    throw error;
  }
}

interface Attempt {
  readonly partition: number;
  readonly chunks: readonly Uint8Array[];
  readonly settings: ClickHouseSettings;
}

function tryBody(
  questions: Questions,
  sql: string,
  { partition, chunks, settings }: Attempt,
  deadline: number,
): Promise<string> {
  const parameters = { partition, notAfter: NEVER_LATE };
  return questions.tell(sql, parameters, deadline, settings, chunks);
}
