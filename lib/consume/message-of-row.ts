import { PulsehouseError } from '../pipeline/errors.ts';
import { formatPosition } from '../pipeline/position.ts';
import type { BatchBody, InsertOutcome } from '../ports/sink.ts';

/** The last one: what a server quotes of a payload stands before. Rows are counted from 1. */
const ROW = /(?:\(at row (\d+)\)|\bat row (\d+)\b)(?![\s\S]*\bat row \d)/;

/** A server counts the rows of a body that nobody ever sees: a person is told which message it was. */
export function namedByMessage(outcome: InsertOutcome, body: BatchBody): InsertOutcome {
  if (outcome.kind === 'stored') return outcome;
  const { error } = outcome;
  const found = ROW.exec(error.message);
  const row = Number(found?.[1] ?? found?.[2]);
  if (!found || !(row >= 1 && row <= body.rows)) return outcome;
  const { position, index } = body.messageAt(row - 1);
  const message = error.message.replace(ROW, `(message ${index} of ${formatPosition(position)})`);
  const { code, nextStep, cause } = error;
  const where = { ...error.where, position: error.where.position ?? formatPosition(position) };
  return { ...outcome, error: new PulsehouseError(code, message, { where, nextStep, cause }) };
}
