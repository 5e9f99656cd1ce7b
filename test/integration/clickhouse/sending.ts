import type { InsertOutcome } from '../../../lib/ports/sink.ts';
import { entryOf, rangeAll } from '../../contract/sink/messages.ts';
import type { SinkTable } from './sink-table.ts';

/** Sends one entry of these payloads, in time. */
export async function insert(
  table: SinkTable,
  payloads: readonly string[],
  token: string = table.uniqueId(),
): Promise<InsertOutcome> {
  const { deadline, sink, uniqueId } = table;
  const body = sink.newBody(0);
  body.add(entryOf(1, 0, payloads));
  const notAfter = Date.now() + 30_000;
  return sink.insert({ body, token, queryId: uniqueId(), notAfter, deadline: deadline() });
}

export async function countAll({ deadline, sink }: SinkTable): Promise<number> {
  return (await sink.countRows(rangeAll(0), deadline())).rows;
}
