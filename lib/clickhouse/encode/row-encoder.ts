import type { Entry } from '../../ports/transport.ts';

/** What an encoder made of a message. */
export const VERDICT = {
  row: 0,
  /** It may be a row or not: what decides is how the server reads it as JSON. */
  unusual: 1,
  /** Left out, as was asked. */
  skipped: 2,
} as const;

export interface EncodedRows {
  /** Rows of RowBinary, in the order of the messages. The caller's own. */
  readonly bytes: Uint8Array;
  readonly rows: number;
  /** One of `VERDICT` a message. May be overwritten by the next call. */
  readonly verdicts: Uint8Array;
}

/** Encodes the messages of an entry as rows of RowBinary, each exactly as the server would have read it as JSON. */
export interface RowEncoder {
  /** @param leaveOut 1 for each message to skip */
  encode(entry: Entry, leaveOut: Uint8Array | undefined): EncodedRows;
}
