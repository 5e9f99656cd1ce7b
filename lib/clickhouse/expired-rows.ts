import { randomUUID } from 'node:crypto';
import type { ClickHouseSettings } from '@clickhouse/client';
import type { ErrorCode } from '../pipeline/error-codes.ts';
import { isPulsehouseError } from '../pipeline/errors.ts';
import type { Position } from '../pipeline/position.ts';
import type { BatchBody, EntryIndexes } from '../ports/sink.ts';
import { quoteTable } from './identifiers.ts';
import type { Questions } from './questions.ts';
import { ServerError } from './server-error.ts';
import { insertInto, type Mapping } from './statement.ts';
import { readRowTtl } from './ttl.ts';

const TABLE = 'pulsehouse_expired_rows';

/** The last second that fits the statement's parameter: what is asked here stores nothing, however late it comes. */
const NEVER_LATE = 2 ** 32 - 1;

/** Of a row, or of a mapping that is another one than the row was stored by. */
const REFUSED: ReadonlySet<ErrorCode> = new Set([
  'PH_VALUE_REFUSED',
  'PH_TABLE_MISMATCH',
  'PH_CLICKHOUSE_FAILED',
]);

/** What is dropped at the end is not waited for longer (ms). */
const CLOSING = 2_000;

/**
 * Of a body's rows those that the target's own TTL takes away, by the table's expressions and the server's clock: the
 * rows are put through the mapping into a temporary table with the target's columns.
 * @param settings those of an insert.
 * None where the server refuses a row: then nothing is known, and what is missing stays missing.
 * @throws PulsehouseError when the server cannot be asked.
 */
export async function expiredRows(
  questions: Questions,
  mapping: Mapping,
  { body, settings }: { readonly body: BatchBody; readonly settings: ClickHouseSettings },
  deadline: number,
): Promise<readonly EntryIndexes[]> {
  const ttl = await readRowTtl(questions, mapping.target, deadline);
  if (ttl?.expired === undefined || body.rows === 0) return [];
  const sessionId = `pulsehouse-${randomUUID()}`;
  const run = (sql: string, until = deadline) => questions.run({ sql, settings, sessionId }, until);
  await run(`CREATE TEMPORARY TABLE ${TABLE} AS ${quoteTable(mapping.target)} ENGINE = Memory`);
  try {
    const parameters = { partition: body.partition, notAfter: NEVER_LATE };
    const sql = insertInto(TABLE, mapping);
    await questions.run({ sql, parameters, settings, body: body.chunks(), sessionId }, deadline);
    const answer = await run(
      `SELECT _ledger AS ledger, _entry AS entry, arraySort(groupArray(_index)) AS indexes
FROM ${TABLE} WHERE ${ttl.expired} GROUP BY _ledger, _entry
SETTINGS output_format_json_quote_64bit_integers = 0 FORMAT JSONEachRow`,
    );
    return answer
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const { ledger, entry, indexes } = JSON.parse(line) as Position & { indexes: readonly number[] };
        return { position: { ledger, entry }, indexes };
      });
  } catch (error) {
    const isRefused = isPulsehouseError(error) && REFUSED.has(error.code);
    if (isRefused && error.cause instanceof ServerError) return [];
    throw error;
  } finally {
    // What cannot be dropped goes with its session, a minute later.
    await run(`DROP TEMPORARY TABLE IF EXISTS ${TABLE}`, questions.now() + CLOSING).catch(() => undefined);
  }
}
