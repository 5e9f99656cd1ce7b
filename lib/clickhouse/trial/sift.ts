import type { ClickHouseSettings } from '@clickhouse/client';
import type { BatchBody } from '../../ports/sink.ts';
import { quoteIdentifier, quoteString } from '../identifiers.ts';
import { ROW_POSITION_FIELDS } from '../position-columns.ts';
import type { Questions } from '../questions.ts';
import type { TrialSessions } from './trial-sessions.ts';
import { trialTableName } from './trial-tables.ts';

/** Source fields by name with their types: what the rows are read as. */
export type Fields = Readonly<Record<string, string>>;

/**
 * A row that cannot be read costs the server time that grows with what was read before it in the same piece of the body,
 * and its default pieces hold tens of thousands of rows: 5 s instead of 0.15 s for 500 of 50,000 rows.
 */
const PIECE_BYTES = 100_000;

interface Reading {
  readonly questions: Questions;
  readonly sessions: TrialSessions;
  /** Those of the insert. */
  readonly settings: ClickHouseSettings;
}

/**
 * Which of the rows the server cannot read as the fields. It skips those itself, so the answer takes two requests
 * however many there are.
 * @param bytes the rows as sent; `rows` are their numbers in the body
 */
export async function unreadable(
  { questions, sessions, settings }: Reading,
  fields: Fields,
  body: BatchBody,
  { bytes, rows }: { readonly bytes: readonly Uint8Array[]; readonly rows: readonly number[] },
  deadline: number,
): Promise<number[]> {
  const table = trialTableName('read');
  const read = await sessions.with('read', deadline, async (sessionId, isNew) => {
    if (!isNew) await questions.run({ sql: `TRUNCATE TABLE ${table}`, sessionId }, deadline);
    await questions.run(
      {
        sql: readStatement(table, fields),
        body: bytes,
        sessionId,
        settings: {
          ...settings,
          input_format_allow_errors_num: `${rows.length}`,
          input_format_allow_errors_ratio: 1,
          min_chunk_bytes_for_parallel_parsing: `${PIECE_BYTES}`,
        },
      },
      deadline,
    );
    return questions.run(
      {
        sql: `SELECT _ledger, _entry, groupArray(_index) FROM ${table} GROUP BY _ledger, _entry FORMAT JSONCompactEachRow`,
        sessionId,
        settings: { output_format_json_quote_64bit_integers: 0 },
      },
      deadline,
    );
  });
  return without(body, rows, read);
}

function readStatement(table: string, fields: Fields): string {
  const structure = Object.entries({ ...ROW_POSITION_FIELDS, ...fields });
  const columns = structure.map(([name, type]) => `${quoteIdentifier(name)} ${type}`).join(', ');
  // Named in a condition, so that every field is read.
  const names = structure.map(([name]) => quoteIdentifier(name)).join(', ');
  return `INSERT INTO ${table} SELECT _ledger, _entry, _index FROM input(${quoteString(columns)})
WHERE NOT ignore(${names}) FORMAT JSONEachRow`;
}

/** The rows whose position is not among those read. A payload that poses as another row hides that one here at most. */
function without(body: BatchBody, rows: readonly number[], read: string): number[] {
  const entries = new Map<string, ReadonlySet<number>>();
  for (const line of read.split('\n')) {
    if (line === '') continue;
    const [ledger, entry, indexes] = JSON.parse(line) as [number, number, number[]];
    entries.set(`${ledger}:${entry}`, new Set(indexes));
  }
  return rows.filter((row) => {
    const { position, index } = body.messageAt(row);
    return !entries.get(`${position.ledger}:${position.entry}`)?.has(index);
  });
}
