import { describe, expect } from 'vitest';
import { insert } from '../clickhouse/sending.ts';
import { PROJECTION, type SinkTable, type SinkTableOptions, test } from '../clickhouse/sink-table.ts';

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

  test('an array in a Dynamic column', async ({ openTable }) => {
    const table = await openTable(tableOf('Dynamic'));
    await insert(table, ['[1,"x"]', '[{"b":1}]', '[null]', '[0.5,false]', '["x",true]'].map(message));
    expect((await stored(table)).slice(2)).toEqual(['[NULL]', '[0.5,0]', "['x','true']"]);
  });

  test.for([
    ['Array(JSON)', '[{"b":[1]}]', '[null]', '[{}]'],
    ['Array(Nullable(Int64))', '[1]', '[null]', '[null]'],
    ['Array(Nullable(Int64))', '[true]', '[2,true]', '[2,1]'],
    ['Array(Nullable(Int64))', '[1]', '[9007199254740993]', '[9007199254740993]'],
    ['Array(Nullable(String))', '[1]', '["x",true]', '["x","true"]'],
  ] as const)('an array of a path of type %s: behind %s, %s is %s', async (row, { openTable }) => {
    const [type, before, array, becomes] = row;
    expect(await lastOf(openTable, `JSON(a ${type})`, [array])).toBe(becomes);
    expect(await lastOf(openTable, `JSON(a ${type})`, [before, array])).toBe(becomes);
  });
});

// What this server does; the product says so in docs/configuration.md. Where a later server does better, say less there.
describe('but an array of a JSON column is read as one before it at the same path', () => {
  test.for([
    ['[null]', '[null]', '[{"b":1}]', '[{}]'],
    ['[null]', '[null]', '[[1]]', '[[]]'],
    ['[[1],null]', '[[1],[]]', '[1,"x"]', '[[1],null]'],
    ['[2,true]', '[2,1]', '[1,"x"]', '[2,true]'],
    ['[0.5,false]', '[0.5,0]', '["x",{"b":1}]', '[0.5,false]'],
    ['["x",true]', '["x","true"]', '[1,"x"]', '["x",true]'],
    ['[9007199254740993]', '[9007199254740993]', '[0.5]', '[9007199254740992]'],
    ['[9007199254740993,0.5]', '[9007199254740992,0.5]', '[1,"x"]', '[9007199254740993,0.5]'],
  ] as const)('%s alone is %s, and behind %s it is %s', async (row, { openTable }) => {
    const [array, alone, before, behind] = row;
    expect(await lastOf(openTable, 'JSON', [array])).toBe(alone);
    expect(await lastOf(openTable, 'JSON', [before, array])).toBe(behind);
  });

  test('not as one at another path, and not as one behind it', async ({ openTable }) => {
    const table = await openTable(tableOf('JSON'));
    const documents = ['{"b":[1,"x"]}', '{"a":[2,true]}', '{"a":[1,"x"]}'];
    await insert(table, documents.map(message));
    expect((await stored(table))[1]).toBe('{"a":[2,1]}');
  });

  test('a setting that would end it changes other values, or refuses them', async ({ openTable }) => {
    const { query } = await openTable(tableOf('JSON'));
    const read = (type: string, value: string, setting: string): Promise<string> =>
      query(
        `SELECT x FROM format(JSONEachRow, 'x ${type}', '{"x":${value}}') SETTINGS ${setting} FORMAT TSVRaw`,
      );
    const ofDifferentTypes = 'input_format_json_infer_array_of_dynamic_from_array_of_different_types';
    expect((await read('JSON', '{"a":[1,"x"]}', `${ofDifferentTypes} = 1`)).trim()).toBe('{"a":[1,"x"]}');
    expect((await read('JSON', '{"a":[1,"x"]}', `${ofDifferentTypes} = 0`)).trim()).toBe('{"a":["1","x"]}');
    for (const [type, value, setting] of [
      ['Int64', 'true', 'input_format_json_read_bools_as_numbers'],
      ['String', 'true', 'input_format_json_read_bools_as_strings'],
      ['JSON', '{"a":[[1],null]}', 'input_format_null_as_default'],
    ] as const) {
      await read(type, value, `${setting} = 1`);
      await expect(read(type, value, `${setting} = 0`)).rejects.toThrow();
    }
  });
});

/** What the last of these arrays is stored as, each at the path `a` of a message. */
async function lastOf(
  openTable: (options: SinkTableOptions) => Promise<SinkTable>,
  type: string,
  arrays: readonly string[],
): Promise<string | undefined> {
  const table = await openTable(tableOf(type));
  await insert(
    table,
    arrays.map((array) => message(`{"a":${array}}`)),
  );
  return (await stored(table)).at(-1)?.replace(/^\{"a":(.*)\}$/, '$1');
}
