import type { BinaryRows } from './encode/binary-body.ts';
import { ServerError } from './server-error.ts';

/** The last one: what a server quotes of a payload stands before. */
const READ_ROW = /\(at row (\d+)\)(?![\s\S]*\(at row \d)/;
const BLOCK_ROW = / at row \d+\b(?!\))/g;

/**
 * The error of an insert of RowBinary with the row's number in the whole body, where it can be known. The server counts the
 * rows of either source by themselves, and those of a block in the order in which they came to it.
 */
export function renumbered(error: ServerError, rows: BinaryRows): ServerError {
  if (rows.unusualRows === 0) return error;
  const isEncoded = error.message.includes('BinaryRowInputFormat');
  const message = error.message.replaceAll(BLOCK_ROW, '').replace(READ_ROW, (_, digits: string) => {
    const row = isEncoded ? rows.rowOfEncoded(Number(digits) - 1) : rows.rowOfUnusual(Number(digits) - 1);
    return row === undefined ? '' : `(at row ${row + 1})`;
  });
  const { code, isByHeader, writtenRows } = error;
  return new ServerError(code, message, { isByHeader, writtenRows });
}
