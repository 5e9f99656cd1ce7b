import { describe, expect } from 'vitest';
import { insertStatement } from '../../../lib/clickhouse/statement.ts';
import { entryOf } from '../../contract/sink/messages.ts';
import { insert } from '../clickhouse/sending.ts';
import { type SinkTable, test } from '../clickhouse/sink-table.ts';

const TABLE = {
  window: 100,
  also: ['status String', 'start Date'],
  fields: { status: 'String', start: 'Date', value: 'Int64', day: 'Date' },
  columns: { status: 'status', start: 'start', value: 'value', day: 'day' },
};

/**
 * Between the two, the server takes everything for one value of `status`: `\\u` takes whatever four bytes follow, a String
 * that begins as an object whatever stands up to its brace, a Date any byte between its numbers.
 */
const OPENS = '{"x":"\\u",,,","status":{"}';
const CLOSES = '{"},"start":"2026"01-01"}';
const GOOD = '{"value":1,"status":"ok"}';
const PAYLOADS = [GOOD, OPENS, GOOD, GOOD, CLOSES, GOOD];

async function stored({ name, query }: SinkTable): Promise<string> {
  return query(`SELECT _index, value, status FROM ${name} ORDER BY _index FORMAT TSV`);
}

describe('a pair of crafted payloads', () => {
  test('is refused before it is sent, and every other message is a row of its own', async ({ openTable }) => {
    const table = await openTable(TABLE);
    const body = table.sink.newBody(0);
    body.add(entryOf(1, 0, PAYLOADS));
    expect(body.bad.map(({ index }) => index)).toEqual([1, 4]);
    expect(await insert(table, PAYLOADS)).toEqual({ kind: 'stored' });
    expect(await stored(table)).toBe('0\t1\tok\n2\t1\tok\n3\t1\tok\n5\t1\tok\n');
  });

  test('would make the server read fewer rows than were sent, and say nothing', async ({ openTable }) => {
    const table = await openTable(TABLE);
    const lines = PAYLOADS.map(
      (text, index) => `{"_ledger":1,"_entry":0,"_index":${index},${text.slice(1)}\n`,
    );
    await table.server.run({
      sql: insertStatement(table.mapping),
      parameters: { partition: 0, notAfter: Math.floor(Date.now() / 1000) + 60 },
      settings: { input_format_skip_unknown_fields: 1 },
      body: [Buffer.from(lines.join(''))],
      timeout: 30_000,
    });
    const rows = (await stored(table)).trim().split('\n');
    expect(rows.length).toBe(3);
  });
});
