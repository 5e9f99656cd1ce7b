import type { BatchBody } from '../../ports/sink.ts';

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
/** Longer than any value of fixed width that the server reads without looking for its end (a UUID is 36 bytes). */
const PADDING = 64;

/**
 * The named rows, each on one line of its own with a line of spaces behind it. The server goes on at the next line after
 * a row that it cannot read, so no row takes bytes of another and none is judged by what stands before it. A newline
 * inside a row is white space of JSON, and is sent as a space.
 */
export function isolatedRows(body: BatchBody, rows: readonly number[]): Uint8Array {
  const lines = rows.map((row) => body.chunks(row, row + 1));
  const length = lines.flat().reduce((sum, chunk) => sum + chunk.length, 0);
  const bytes = new Uint8Array(length + rows.length * (PADDING + 1)).fill(SPACE);
  let at = 0;
  for (const line of lines) {
    const start = at;
    for (const chunk of line) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    for (let byte = start; byte < at - 1; byte++) {
      if (bytes[byte] === NEWLINE || bytes[byte] === CARRIAGE_RETURN) bytes[byte] = SPACE;
    }
    at += PADDING;
    bytes[at++] = NEWLINE;
  }
  return bytes;
}
