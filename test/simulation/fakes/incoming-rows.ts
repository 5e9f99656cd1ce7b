import type { BatchBody } from '../../../lib/ports/sink.ts';
import type { IncomingRow, Trouble } from './clickhouse.ts';

/** The row as the mapping makes it: which table partition it belongs to, and whether its value can be taken. */
interface Payload {
  readonly _ledger: number;
  readonly _entry: number;
  readonly _index: number;
  readonly day: string;
  readonly value: unknown;
  readonly unmet?: IncomingRow['unmet'];
}

/** Values that something of the server cannot take. */
const TROUBLE: Readonly<Record<string, Trouble>> = {
  'no number': 'reader',
  'no value of the column': 'column',
  'no key of the table': 'part',
};

/** The rows `[from, to)` of a body as the server reads them. */
export function rowsOf(body: BatchBody, from?: number, to?: number): IncomingRow[] {
  const rows: IncomingRow[] = [];
  for (const chunk of body.chunks(from, to)) {
    for (const line of Buffer.from(chunk).toString('utf8').split('\n')) {
      if (line === '') continue;
      const payload = JSON.parse(line) as Payload;
      rows.push({
        partition: body.partition,
        position: { ledger: payload._ledger, entry: payload._entry },
        index: payload._index,
        tablePartition: payload.day,
        trouble: TROUBLE[String(payload.value)],
        unmet: payload.unmet,
      });
    }
  }
  return rows;
}
