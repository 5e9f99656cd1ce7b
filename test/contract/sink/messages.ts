import { BEFORE_ALL } from '../../../lib/pipeline/position.ts';
import type { RowRange } from '../../../lib/ports/sink.ts';
import type { Entry } from '../../../lib/ports/transport.ts';

/** A message that becomes a row of the table partition `day`. */
export function payload(day = '2026-01-05'): string {
  return JSON.stringify({ day, value: 1 });
}

/** A message that is one JSON object and that the table cannot take. */
export const UNFIT = JSON.stringify({ day: '2026-01-05', value: 'no number' });

/** An entry of these payloads, as a transport gives it. */
export function entryOf(ledger: number, entry: number, payloads: readonly string[]): Entry {
  const position = { ledger, entry };
  const data = new TextEncoder().encode(payloads.join(''));
  const bounds = new Int32Array(2 * payloads.length);
  let at = 0;
  for (const [index, text] of payloads.entries()) {
    bounds[2 * index] = at;
    at += Buffer.byteLength(text);
    bounds[2 * index + 1] = at;
  }
  return {
    position,
    firstPosition: position,
    publishTime: 1_764_000_000_000,
    count: payloads.length,
    data,
    bounds,
    messages: payloads.length,
    wireBytes: data.length,
    brokerIndex: undefined,
    schemaVersion: undefined,
    metadata: () => ({ key: undefined, properties: {}, eventTime: 0, sequenceId: 0 }),
  };
}

/** Everything that can stand in one partition. */
export function rangeAll(partition: number): RowRange {
  return { partition, after: BEFORE_ALL, to: { ledger: 2 ** 40, entry: 2 ** 40 } };
}
