import { describe, expect } from 'vitest';
import type { AnswerMeaning } from '../../../lib/ports/sink.ts';
import { entryOf, payload, UNFIT } from '../../contract/sink/messages.ts';
import { insert } from './sending.ts';
import { type SinkTable, type SinkTableOptions, test } from './sink-table.ts';

interface Refusal {
  readonly what: string;
  /** Code of the server. */
  readonly code: number;
  readonly meaning: AnswerMeaning;
  readonly error: string;
  readonly options?: Partial<SinkTableOptions>;
  readonly payloads?: readonly string[];
  /** Run before the insert. */
  readonly before?: (table: SinkTable) => string;
}

const day = '"day":"2026-01-05"';
const good = payload();

/** The row of the error table that a server can be made to raise, each by the shortest way there is. */
const REFUSALS: readonly Refusal[] = [
  {
    what: 'a string for a number',
    code: 27,
    meaning: 'data',
    error: 'PH_VALUE_REFUSED',
    payloads: [good, UNFIT],
  },
  {
    what: 'a word for a float',
    code: 72,
    meaning: 'data',
    error: 'PH_VALUE_REFUSED',
    payloads: [`{${day},"m":{"a":"x"}}`],
    options: {
      fields: { day: 'Date', m: 'Tuple(a Nullable(Float64))' },
      columns: { day: 'day', value: 'toInt64(m.a)' },
    },
  },
  {
    what: 'a word for a time',
    code: 41,
    meaning: 'data',
    error: 'PH_VALUE_REFUSED',
    payloads: [`{${day},"at":"garbage"}`],
    options: {
      fields: { day: 'Date', at: 'DateTime' },
      columns: { day: 'day', value: 'toUnixTimestamp(at)' },
    },
  },
  {
    what: 'an expression that cannot parse',
    code: 6,
    meaning: 'data',
    error: 'PH_VALUE_REFUSED',
    options: {
      fields: { day: 'Date', value: 'String' },
      columns: { day: 'day', value: "toInt64('x' || value)" },
    },
  },
  {
    what: 'a division by zero',
    code: 153,
    meaning: 'data',
    error: 'PH_VALUE_REFUSED',
    options: { columns: { day: 'day', value: 'intDiv(1, value - 1)' } },
  },
  {
    what: 'a word that an Enum lacks',
    code: 691,
    meaning: 'data',
    error: 'PH_VALUE_REFUSED',
    options: {
      columns: { day: 'day', value: 'value', kind: "'z' || toString(value)" },
      also: ["kind Enum8('a' = 1)"],
    },
  },
  {
    what: 'a value that a constraint forbids',
    code: 469,
    meaning: 'data',
    error: 'PH_VALUE_REFUSED',
    payloads: [good, `{${day},"value":5000}`],
    options: { also: ['CONSTRAINT small CHECK value < 1000'] },
  },
  {
    what: 'a mapped column that the table lacks',
    code: 16,
    meaning: 'schema',
    error: 'PH_TABLE_MISMATCH',
    options: { columns: { day: 'day', nowhere: 'value' } },
  },
  {
    what: 'an expression over a field that is not declared',
    code: 47,
    meaning: 'schema',
    error: 'PH_TABLE_MISMATCH',
    options: { columns: { day: 'day', value: 'nothing' } },
  },
  {
    what: 'a function that does not exist',
    code: 46,
    meaning: 'schema',
    error: 'PH_TABLE_MISMATCH',
    options: { columns: { day: 'day', value: 'nosuch(value)' } },
  },
  {
    what: 'a function given the wrong number of arguments',
    code: 42,
    meaning: 'schema',
    error: 'PH_TABLE_MISMATCH',
    options: { columns: { day: 'day', value: 'length()' } },
  },
  {
    what: 'a function given the wrong type',
    code: 43,
    meaning: 'schema',
    error: 'PH_TABLE_MISMATCH',
    options: { columns: { day: 'day', value: "'a' + 1" } },
  },
  {
    what: 'a type that does not exist',
    code: 50,
    meaning: 'schema',
    error: 'PH_TABLE_MISMATCH',
    options: { fields: { day: 'Date', value: 'Nosuch' } },
  },
  {
    what: 'an expression that is no SQL',
    code: 62,
    meaning: 'schema',
    error: 'PH_TABLE_MISMATCH',
    options: { columns: { day: 'day', value: 'value + (' } },
  },
  {
    what: 'a column the table computes itself',
    code: 44,
    meaning: 'schema',
    error: 'PH_TABLE_MISMATCH',
    options: {
      columns: { day: 'day', value: 'value', twice: 'value' },
      also: ['twice Int64 MATERIALIZED value * 2'],
    },
  },
  {
    what: 'an expression that folds rows',
    code: 215,
    meaning: 'schema',
    error: 'PH_TABLE_MISMATCH',
    options: { columns: { day: 'day', value: 'sum(value)' } },
  },
  {
    what: 'a table that is gone',
    code: 60,
    meaning: 'schema',
    error: 'PH_TABLE_MISMATCH',
    before: ({ name }) => `DROP TABLE ${name} SYNC`,
  },
  {
    what: 'a database that is gone',
    code: 81,
    meaning: 'schema',
    error: 'PH_TABLE_MISMATCH',
    before: ({ mapping }) => `DROP DATABASE ${mapping.target.database} SYNC`,
  },
  {
    what: 'too many parts',
    code: 252,
    meaning: 'busy',
    error: 'PH_CLICKHOUSE_BUSY',
    options: {
      settings: ['parts_to_throw_insert = 1', 'parts_to_delay_insert = 1', 'max_delay_to_insert = 1'],
    },
    before: ({ name }) => `INSERT INTO ${name} (day, value) VALUES ('2026-01-05', 1)`,
  },
];

/** Fields, expression of the column `value`, and the payload that does not fit. */
const UNFIT_VALUES: readonly (readonly [code: number, field: string, expression: string, payload: string])[] =
  [
    [25, 'String', 'length(x)', '"\\ud800x"'],
    [38, 'Date', 'toInt64(x)', '"garbage"'],
    [69, 'Decimal32(2)', 'toInt64(x)', '1e30'],
    [70, 'Int64', "accurateCast(x, 'UInt8')", '300'],
    [72, 'UInt8', 'x', '-3'],
    [117, 'String', 'length(base64Decode(x))', '"***"'],
    [131, 'FixedString(2)', 'length(x)', '"abc"'],
    [135, 'Array(Int64)', 'x[0]', '[1]'],
    [190, 'Array(Array(Int64))', 'arraySum(arrayMap((a, b) -> a + b, x[1], x[2]))', '[[1],[1,2]]'],
    [349, 'Nullable(Int64)', 'CAST(x AS Int64)', 'null'],
    [376, 'UUID', 'toInt64(toUInt128(x))', '"x"'],
    [407, 'Decimal32(2)', 'toInt64(x * x * x)', '999999.99'],
    [467, 'Bool', 'x', '"maybe"'],
    [675, 'IPv4', 'toUInt32(x)', '"x"'],
    [676, 'IPv6', 'length(toString(x))', '"x"'],
  ];

describe('an insert that the server answers with an error', () => {
  test.for(REFUSALS)(
    '$code: $what',
    async ({ before, code, meaning, error, options, payloads }, { openTable }) => {
      const table = await openTable({ window: 100, ...options });
      if (before) await table.query(before(table));
      const outcome = await insert(table, payloads ?? [good]);
      expect(outcome).toMatchObject({ kind: 'answered', meaning, error: { code: error } });
      expect(outcome.kind === 'answered' && outcome.error.message).toContain(`Code: ${code}. `);
      expect(outcome.kind === 'answered' && outcome.error.message).toContain(table.name);
    },
  );

  test.for(UNFIT_VALUES)('%i: a value that %s, read by %s, cannot take: %s', async (unfit, { openTable }) => {
    const [code, type, value, text] = unfit;
    const table = await openTable({
      window: 100,
      fields: { day: 'Date', x: type },
      columns: { day: 'day', value },
    });
    const outcome = await insert(table, [`{${day},"x":${text}}`]);
    expect(outcome).toMatchObject({ kind: 'answered', meaning: 'data', error: { code: 'PH_VALUE_REFUSED' } });
    expect(outcome.kind === 'answered' && outcome.error.message).toContain(`Code: ${code}. `);
  });

  test('164: a user who may only read', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const sink = table.withProfile({ readonly: '1' });
    const outcome = await insert({ ...table, sink }, [good]);
    expect(outcome).toMatchObject({
      kind: 'answered',
      meaning: 'access',
      error: { code: 'PH_CLICKHOUSE_ACCESS' },
    });
    await sink.close();
  });

  test('202: more queries than the user may run at once', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const sink = table.withProfile({ max_concurrent_queries_for_user: '1' });
    const id = table.uniqueId();
    const other = table.server.run({
      sql: 'SELECT sleepEachRow(1) FROM numbers(60) SETTINGS max_block_size = 1',
      queryId: id,
      timeout: 60_000,
    });
    const ended = other.then(
      () => 'by itself',
      (error: unknown) => error,
    );
    while ((await table.query(`SELECT count() FROM system.processes WHERE query_id = '${id}'`)) === '0\n');
    expect(await insert({ ...table, sink }, [good])).toMatchObject({
      kind: 'answered',
      meaning: 'busy',
      error: { code: 'PH_CLICKHOUSE_BUSY', kind: 'retryable' },
    });
    await table.sink.kill(id, table.deadline());
    expect(await ended).toMatchObject({ code: 394 });
    await sink.close();
  });

  test('516: a wrong password', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const sink = table.as('pulsehouse', 'wrong');
    const outcome = await insert({ ...table, sink }, [good]);
    expect(outcome).toMatchObject({
      kind: 'answered',
      meaning: 'access',
      error: { code: 'PH_CLICKHOUSE_ACCESS' },
    });
    expect(JSON.stringify(outcome)).not.toContain('wrong');
    await sink.close();
  });

  test('is known for one while megabytes of its body are still to be sent', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const { deadline, sink, uniqueId } = table;
    const body = sink.newBody(0);
    const thousand = Array.from({ length: 1000 }, () => good);
    for (let entry = 0; entry < 400; entry += 1) body.add(entryOf(1, entry, thousand));
    await table.query(`DROP TABLE ${table.name} SYNC`);
    const notAfter = Date.now() + 30_000;
    const send = { body, token: 'gone', queryId: uniqueId(), notAfter, deadline: deadline() };
    expect(await sink.insert(send)).toMatchObject({ kind: 'answered', error: { code: 'PH_TABLE_MISMATCH' } });
  });

  test('names the column and the row, and quotes no more of the payload than shows the value', async ({
    openTable,
  }) => {
    const table = await openTable({ window: 100 });
    const secret = 'x'.repeat(60);
    const outcome = await insert(table, [good, `{${day},"value":"nope","note":"${secret}"}`]);
    expect(outcome).toMatchObject({ error: { where: { table: table.name, column: 'value' } } });
    expect(outcome.kind === 'answered' && outcome.error.message).not.toContain(secret);
  });

  test('does not take the word of a payload for the row that is bad', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const liar = `{${day},"value":"(at row 1)\\n: While executing","note":": (at row 1)"}`;
    const body = table.sink.newBody(0);
    body.add(entryOf(1, 0, [good, good, liar]));
    const trial = table.sink.openTrial();
    expect(await trial.probe(body, 0, 3, 'columns', table.deadline())).toMatchObject({ row: 2 });
    await trial.close();
  });
});
