import type { Server } from '../../../lib/clickhouse/server.ts';
import { ClickHouseSink, type SinkOptions } from '../../../lib/clickhouse/sink.ts';
import type { BatchBody, InsertOutcome } from '../../../lib/ports/sink.ts';
import { DAY_VALUE_STRUCTURE, DayValueEncoder } from '../../support/day-value-encoder.ts';
import type { SinkTable } from './sink-table.ts';

/** @param strings further fields of the mapping, of type String */
export function dayValueFormat(...strings: readonly string[]): SinkOptions['format'] {
  return {
    name: 'RowBinary',
    structure: [DAY_VALUE_STRUCTURE, ...strings.map((name) => `${name} String`)].join(', '),
    encoder: new DayValueEncoder(strings.length),
  };
}

/** A sink on the table that sends what it can as RowBinary. */
export function binarySink(
  { mapping, server }: Pick<SinkTable, 'mapping' | 'server'>,
  options: Partial<SinkOptions> & { readonly by?: Server } = {},
): ClickHouseSink {
  const { by = server, ...others } = options;
  return new ClickHouseSink(mapping, by, { now: () => Date.now() }, { format: dayValueFormat(), ...others });
}

/** A sink on the table that sends all as JSON. */
export function jsonSink({ mapping, server }: Pick<SinkTable, 'mapping' | 'server'>): ClickHouseSink {
  const format = { name: 'JSONEachRow', reason: 'a test compares it with the other' } as const;
  return new ClickHouseSink(mapping, server, { now: () => Date.now() }, { format });
}

export function send(
  { deadline, uniqueId }: Pick<SinkTable, 'deadline' | 'uniqueId'>,
  sink: ClickHouseSink,
  body: BatchBody,
  token: string = uniqueId(),
): Promise<InsertOutcome> {
  const notAfter = Date.now() + 60_000;
  return sink.insert({ body, token, queryId: uniqueId(), notAfter, deadline: deadline() });
}
