import { BEFORE_ALL } from '../../../lib/pipeline/position.ts';
import type { RowRange } from '../../../lib/ports/sink.ts';
import type { Entry } from '../../../lib/ports/transport.ts';
import { entryOf as entryOfPayloads } from '../../support/entry-of.ts';

/** A message that becomes a row of the table partition `day`. */
export function payload(day = '2026-01-05'): string {
  return JSON.stringify({ day, value: 1 });
}

/** A message that is one JSON object and that the table cannot take. */
export const UNFIT = JSON.stringify({ day: '2026-01-05', value: 'no number' });

const encoder = new TextEncoder();

/** An entry of these payloads, as a transport gives it. */
export function entryOf(ledger: number, entry: number, payloads: readonly string[]): Entry {
  const bytes = payloads.map((text) => encoder.encode(text));
  return entryOfPayloads({ ledger, entry }, bytes, 1_764_000_000_000);
}

/** Everything that can stand in one partition. */
export function rangeAll(partition: number): RowRange {
  return { partition, after: BEFORE_ALL, to: { ledger: 2 ** 40, entry: 2 ** 40 } };
}
