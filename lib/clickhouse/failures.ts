import type { ErrorCode } from '../pipeline/error-codes.ts';
import { type ErrorWhere, isPulsehouseError, messageOf, PulsehouseError } from '../pipeline/errors.ts';
import type { AnswerMeaning, InsertOutcome } from '../ports/sink.ts';
import { columnOf, isOfView, isPassing, type Meaning, meaningOf, THROW_IF } from './error-table.ts';
import { ForeignAnswer, ServerError } from './server-error.ts';
import { LATE_BODY } from './statement.ts';

const CODE_OF: Readonly<Record<Meaning, ErrorCode>> = {
  data: 'PH_VALUE_REFUSED',
  schema: 'PH_TABLE_MISMATCH',
  access: 'PH_CLICKHOUSE_ACCESS',
  busy: 'PH_CLICKHOUSE_BUSY',
};

/**
 * What a failed insert means: an answer of the server's own, whatever its code, or doubt. A body that came late is in doubt
 * too: earlier sends of it may still be on their way.
 */
export function failedInsert(error: unknown, where: ErrorWhere): InsertOutcome {
  if (!(error instanceof ServerError)) {
    return {
      kind: 'in-doubt',
      error: failure('PH_INSERT_UNANSWERED', `no answer: ${messageOf(error)}`, where, error),
    };
  }
  if (isLate(error))
    return { kind: 'in-doubt', error: failure('PH_INSERT_LATE', error.summary, where, error) };
  const meaning = isOfView(error.message) ? 'view' : meaningOf(error.code, error.message);
  return {
    kind: 'answered',
    meaning,
    serverCode: error.code,
    error: failure(
      codeOf(error.code, meaning),
      error.summary,
      { ...where, column: columnOf(error.message) },
      error,
    ),
  };
}

function codeOf(code: number, meaning: AnswerMeaning): ErrorCode {
  if (meaning === 'view') return 'PH_INSERT_FAILED';
  if (meaning !== undefined) return CODE_OF[meaning];
  return isPassing(code) ? 'PH_CLICKHOUSE_BUSY' : 'PH_INSERT_FAILED';
}

/** The answered 200 whose rows are not those that were sent. */
export function miscounted(sent: number, read: number, where: ErrorWhere): InsertOutcome {
  const message = `the server read ${read} rows where ${sent} were sent`;
  return { kind: 'in-doubt', error: failure('PH_INSERT_MISCOUNTED', message, where, undefined) };
}

/** What a failed question, or any other statement that may simply be given again, means. */
export function failedQuestion(error: unknown, where: ErrorWhere): PulsehouseError {
  if (isPulsehouseError(error)) return error.at(where);
  if (!(error instanceof ServerError)) {
    return failure('PH_CLICKHOUSE_UNREACHABLE', `no answer: ${messageOf(error)}`, where, error);
  }
  if (isPassing(error.code)) return failure('PH_CLICKHOUSE_BUSY', error.summary, where, error);
  const meaning = meaningOf(error.code, error.message);
  return failure(
    meaning === undefined ? 'PH_CLICKHOUSE_FAILED' : CODE_OF[meaning],
    error.summary,
    where,
    error,
  );
}

function isLate(error: ServerError): boolean {
  return error.code === THROW_IF && error.message.includes(LATE_BODY);
}

function failure(code: ErrorCode, message: string, where: ErrorWhere, cause: unknown): PulsehouseError {
  const place = where.column === undefined ? where.table : `${where.table}, column ${where.column}`;
  const nextStep = cause instanceof ForeignAnswer ? cause.nextStep : undefined;
  return new PulsehouseError(code, `${place}: ${message}`, { where, cause, nextStep });
}
