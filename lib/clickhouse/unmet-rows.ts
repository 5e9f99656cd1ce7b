import { randomUUID } from 'node:crypto';
import type { ClickHouseSettings } from '@clickhouse/client';
import type { ErrorCode } from '../pipeline/error-codes.ts';
import { isPulsehouseError, PulsehouseError } from '../pipeline/errors.ts';
import type { BatchBody } from '../ports/sink.ts';
import { ROW_POSITION_FIELDS } from './position-columns.ts';
import type { Questions } from './questions.ts';
import { ServerError } from './server-error.ts';
import { conditionStatement, type Mapping } from './statement.ts';

const TABLE = 'pulsehouse_condition';

/** By a row that cannot be read, or by one that the condition fails on. */
const REFUSED: ReadonlySet<ErrorCode> = new Set([
  'PH_VALUE_REFUSED',
  'PH_TABLE_MISMATCH',
  'PH_CLICKHOUSE_FAILED',
]);

/** What is dropped at the end is not waited for longer (ms). */
const CLOSING = 2_000;

/** `[ledger, entry, every index, indexes of those that meet it]` */
type EntryLine = readonly [number, number, readonly number[], readonly number[]];

/**
 * Row numbers of a body whose messages do not meet the pipeline's `where`, as the server's own evaluation of it has them: the
 * rows go into a temporary table of a session, with nothing but their positions and what the condition is of them.
 * Undefined where the server refuses a row.
 * @param settings those of an insert.
 * @throws PulsehouseError when the server cannot be asked, or did not look at every row.
 */
export async function unmetRows(
  questions: Questions,
  mapping: Mapping,
  { body, settings }: { readonly body: BatchBody; readonly settings: ClickHouseSettings },
  deadline: number,
): Promise<readonly number[] | undefined> {
  if (mapping.where === undefined || body.rows === 0) return [];
  const sessionId = `pulsehouse-${randomUUID()}`;
  const run = (sql: string, until = deadline) => questions.run({ sql, settings, sessionId }, until);
  const columns = Object.entries(ROW_POSITION_FIELDS).map(([name, type]) => `${name} ${type}`);
  await run(`CREATE TEMPORARY TABLE ${TABLE} (${columns.join(', ')}, _met UInt8) ENGINE = Memory`);
  try {
    const sql = conditionStatement(TABLE, mapping);
    try {
      await questions.run({ sql, settings, body: body.chunks(), sessionId }, deadline);
    } catch (error) {
      const isRefused = isPulsehouseError(error) && REFUSED.has(error.code);
      if (isRefused && error.cause instanceof ServerError) return undefined;
      throw error;
    }
    const answer = await run(
      `SELECT _ledger, _entry, groupArray(_index), groupArrayIf(_index, _met = 1) FROM ${TABLE} GROUP BY _ledger, _entry
SETTINGS output_format_json_quote_64bit_integers = 0 FORMAT JSONCompactEachRow`,
    );
    return unmetOf(body, answer, questions);
  } finally {
    // What cannot be dropped goes with its session, a minute later.
    await run(`DROP TEMPORARY TABLE IF EXISTS ${TABLE}`, questions.now() + CLOSING).catch(() => undefined);
  }
}

/** A row that the answer says nothing of is never taken for one that does not meet the condition. */
function unmetOf(body: BatchBody, answer: string, { where }: Questions): readonly number[] {
  const entries = new Map<string, { readonly all: ReadonlySet<number>; readonly met: ReadonlySet<number> }>();
  for (const line of answer.split('\n')) {
    if (line === '') continue;
    const [ledger, entry, all, met] = JSON.parse(line) as EntryLine;
    entries.set(`${ledger}:${entry}`, { all: new Set(all), met: new Set(met) });
  }
  const unmet: number[] = [];
  for (let row = 0; row < body.rows; row += 1) {
    const { position, index } = body.messageAt(row);
    const entry = entries.get(`${position.ledger}:${position.entry}`);
    if (!entry?.all.has(index)) {
      const message = `the server answered for fewer than the ${body.rows} rows that the condition was asked of`;
      throw new PulsehouseError('PH_CLICKHOUSE_FAILED', message, { where });
    }
    if (!entry.met.has(index)) unmet.push(row);
  }
  return unmet;
}
