import { describe, expect } from 'vitest';
import { insert } from '../clickhouse/sending.ts';
import { PROJECTION, type SinkTable, test } from '../clickhouse/sink-table.ts';

const tableOf = (type: string) => ({
  window: 100,
  fields: { day: 'Date', value: 'Int64', x: type },
  columns: { day: 'day', value: 'value', x: 'x' },
  also: [`x ${type}`, PROJECTION],
});

const message = (x: string): string => `{"day":"2026-11-26","value":1,"x":${x}}`;

async function stored({ name, query }: SinkTable): Promise<readonly string[]> {
  const text = await query(`SELECT x FROM ${name} ORDER BY _index FORMAT TSVRaw`);
  return text.trim().split('\n');
}

const TEXTS = ['2026-11-26 10:00:00', '1', '10:00', '2026-11-26 10:00:00.5', '2026-11-26', '2026-1-1'];

describe('a value is the same whatever stands before it', () => {
  test('a text in a JSON column, behind one that looks like a time', async ({ openTable }) => {
    const table = await openTable(tableOf('JSON'));
    await insert(
      table,
      TEXTS.map((text) => message(`{"a":"${text}"}`)),
    );
    expect(await stored(table)).toEqual(TEXTS.map((text) => `{"a":"${text}"}`));
  });

  test('a text in a Dynamic column, behind one that looks like a time', async ({ openTable }) => {
    const table = await openTable(tableOf('Dynamic'));
    await insert(
      table,
      TEXTS.map((text) => message(`"${text}"`)),
    );
    expect(await stored(table)).toEqual(TEXTS);
  });

  test.for([
    [
      'but a null in an array of a JSON column, behind arrays of objects at the same path',
      'JSON',
      '{"a":[null]}',
    ],
    ['a null in an array of a path with a type', 'JSON(a Array(JSON))', '{"a":[{}]}'],
  ] as const)('%s', async ([, type, first], { openTable }) => {
    for (const messages of [['{"a":[null]}'], ['{"a":[{"b":1}]}', '{"a":[null]}']]) {
      const table = await openTable(tableOf(type));
      await insert(table, messages.map(message));
      expect((await stored(table)).at(-1)).toBe(messages.length === 1 ? first : '{"a":[{}]}');
    }
  });
});
