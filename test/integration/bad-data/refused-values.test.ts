import { describe, expect } from 'vitest';
import { parseDeadLetters } from '../../../lib/consume/dead-letter-lines.ts';
import { test } from '../../support/place.ts';
import { openPayloads, type Payloads, type PayloadsOptions } from './subject.ts';

interface Case extends PayloadsOptions {
  readonly what: string;
  /** The n-th message that becomes a row. */
  readonly good: (id: number) => string;
  readonly bad: string;
}

const GOOD = 40;
const numbers = { fields: { id: 'UInt64', x: 'String' }, table: 'id UInt64, value Int64' };
const good = (id: number) => `{"id":${id},"x":"12"}`;
const code = (id: number) => `{"id":${id},"code":"7"}`;
const coded = { fields: { id: 'UInt64', code: 'String' }, columns: { id: 'id', code: 'code' }, good: code };
const garbage = '{"id":900,"code":"garbage"}';

/** Each bad value was seen to stop a partition: its code is on no list, or it is the table that cannot take it. */
const CASES: readonly Case[] = [
  {
    what: 'a string where an array is read (130)',
    fields: { id: 'UInt64', tags: 'Array(String)' },
    columns: { id: 'id', value: 'length(tags)' },
    table: 'id UInt64, value UInt64',
    good: (id) => `{"id":${id},"tags":["a","b"]}`,
    bad: '{"id":900,"tags":"a,b"}',
  },
  {
    what: 'an empty string that toInt64 converts (32)',
    ...numbers,
    columns: { id: 'id', value: 'toInt64(x)' },
    good,
    bad: '{"id":900,"x":""}',
  },
  {
    what: 'a value that the mapping itself refuses by throwIf (395)',
    ...numbers,
    columns: { id: 'id', value: "if(throwIf(x = 'no', 'refused by the mapping'), 0, 1)" },
    good,
    bad: '{"id":900,"x":"no"}',
  },
  {
    what: 'a value that decrypt cannot take (36)',
    ...numbers,
    columns: {
      id: 'id',
      value: "length(if(x = '12', '', decrypt('aes-128-gcm', unhex(x), '0123456789abcdef', '012345678901')))",
    },
    good,
    bad: '{"id":900,"x":"00ff"}',
  },
  {
    what: 'a pattern that is none (427)',
    fields: { id: 'UInt64', s: 'String', p: 'String' },
    columns: { id: 'id', value: 'match(s, p)' },
    table: 'id UInt64, value Int64',
    good: (id) => `{"id":${id},"s":"abc","p":"b"}`,
    bad: '{"id":900,"s":"abc","p":"("}',
  },
  {
    what: 'a list that is cast from no list (130)',
    ...numbers,
    columns: { id: 'id', value: "if(x = '12', 0, length(x::Array(UInt32)))" },
    good,
    bad: '{"id":900,"x":"nope"}',
  },
  {
    what: 'a value that a CHECK constraint forbids',
    fields: { id: 'UInt64', value: 'Int64' },
    columns: { id: 'id', value: 'value' },
    table: 'id UInt64, value Int64, CONSTRAINT sane CHECK value < 1000',
    good: (id) => `{"id":${id},"value":5}`,
    bad: '{"id":900,"value":5000}',
  },
  {
    what: 'a value that a DEFAULT expression over an EPHEMERAL column cannot take',
    fields: { id: 'UInt64', at: 'String' },
    columns: { id: 'id', ts_raw: 'at' },
    table:
      "id UInt64, ts_raw String EPHEMERAL '2000-01-01 00:00:00', ts DateTime DEFAULT parseDateTimeBestEffort(ts_raw)",
    good: (id) => `{"id":${id},"at":"2026-01-01 00:00:00"}`,
    bad: '{"id":900,"at":"garbage"}',
  },
  {
    what: 'a value that a MATERIALIZED expression cannot take',
    ...coded,
    table: 'id UInt64, code String, n UInt64 MATERIALIZED toUInt64(code)',
    bad: '{"id":900,"code":"n/a"}',
  },
  {
    what: 'a value that the partition key cannot take',
    ...coded,
    good: (id) => `{"id":${id},"code":"2026-0${1 + (id % 3)}-01"}`,
    table: 'id UInt64, code String',
    tail: 'PARTITION BY toYYYYMM(parseDateTimeBestEffort(code)) ORDER BY id',
    bad: garbage,
  },
  {
    what: 'a value that the sorting key cannot take, the other table partitions stored already',
    ...coded,
    table: 'id UInt64, code String',
    tail: 'PARTITION BY id % 4 ORDER BY (toUInt64(code), id)',
    bad: garbage,
  },
  {
    what: 'a value that an index cannot take',
    ...coded,
    table: 'id UInt64, code String, INDEX i toUInt64(code) TYPE minmax',
    bad: garbage,
  },
  {
    what: 'a value that the TTL cannot take',
    ...coded,
    good: (id) => `{"id":${id},"code":"2026-01-01"}`,
    table: 'id UInt64, code String',
    tail: 'ORDER BY id TTL parseDateTimeBestEffort(code) + INTERVAL 10 YEAR',
    bad: garbage,
  },
  {
    what: 'a value that a projection cannot take',
    ...coded,
    table: 'id UInt64, code String, PROJECTION p2 (SELECT toUInt64(code), count() GROUP BY toUInt64(code))',
    bad: garbage,
  },
];

async function lettersOf({ ports, pipeline }: Payloads) {
  const deadline = Date.now() + 30_000;
  const keys = await ports.objects.list(`${pipeline.name}/dead-letters/`, deadline);
  const objects = await Promise.all(keys.map((key) => ports.objects.read(key, deadline)));
  return objects.flatMap((object) => (object ? parseDeadLetters(object) : []));
}

describe('one bad value among good ones is a dead letter and nothing else', () => {
  test.for(CASES)('$what', async ({ what: _, good: goodOf, bad, ...options }, { place }) => {
    const payloads = await openPayloads(place, options);
    const messages = Array.from({ length: GOOD }, (__, id) => goodOf(id));
    await payloads.publish(messages.slice(0, 15), [...messages.slice(15, 20), bad, ...messages.slice(20)]);
    expect(await payloads.consume()).toMatchObject({ outcome: 'drained', rows: GOOD, deadLetters: 1 });
    expect(await payloads.rows('count(), uniqExact(id)')).toBe(`${GOOD}\t${GOOD}\n`);
    const [letter, ...others] = await lettersOf(payloads);
    expect(others).toEqual([]);
    expect(Buffer.from(letter?.payload ?? '', 'base64').toString()).toBe(bad);
    expect(letter).toMatchObject({ index: 5, reason: expect.stringContaining(payloads.table) });
    expect(letter?.reason).not.toMatch(/at row|_tmp_/);
    expect(await payloads.audit()).toMatchObject({ exact: true });
    await payloads.close();
  });

  test('two of different kinds, one of which no probe of the other would meet', async ({ place }) => {
    const payloads = await openPayloads(place, {
      fields: { id: 'UInt64', x: 'Float64', tags: 'Array(String)' },
      columns: { id: 'id', x: 'x', tags: 'tags' },
      table: 'id UInt64, x Float64, tags Array(String), CONSTRAINT sane CHECK x < 1000',
    });
    const row = (id: number) => `{"id":${id},"x":1,"tags":["a"]}`;
    await payloads.publish([
      row(1),
      '{"id":2,"x":"n/a","tags":[]}',
      row(3),
      '{"id":4,"x":1,"tags":"a"}',
      '{"id":5,"x":5000,"tags":[]}',
      row(6),
    ]);
    expect(await payloads.consume()).toMatchObject({ outcome: 'drained', rows: 3, deadLetters: 3 });
    expect(await payloads.rows('id', 'ORDER BY id')).toBe('1\n3\n6\n');
    expect(await payloads.audit()).toMatchObject({ exact: true });
    await payloads.close();
  });
});

describe('what is in no row halts or waits', () => {
  const options: PayloadsOptions = {
    ...numbers,
    columns: { id: 'id', value: "dictGetOrDefault('{dictionary}', 'value', id, 0)" },
  };

  test('a dictionary that is gone is not every row’s fault: halt in the server’s words', async ({
    place,
  }) => {
    const dictionary = `${place.database}.names`;
    const create = `CREATE DICTIONARY ${dictionary} (id UInt64, value Int64 DEFAULT 0) PRIMARY KEY id
SOURCE(CLICKHOUSE(QUERY 'SELECT 1 AS id, 7 AS value')) LIFETIME(0) LAYOUT(FLAT())`;
    await place.query(create);
    const columns = { id: 'id', value: `dictGetOrDefault('${dictionary}', 'value', id, 0)` };
    const payloads = await openPayloads(place, { ...options, columns });
    await payloads.publish(Array.from({ length: 20 }, (_, id) => good(id)));
    await place.query(`DROP DICTIONARY ${dictionary}`);
    const halted = await payloads.consume();
    expect(halted).toMatchObject({ outcome: 'halted', rows: 0, deadLetters: 0 });
    expect(halted.halt).toMatchObject({
      code: 'PH_HALT_REFUSED',
      reason: expect.stringContaining('ictionary'),
    });
    await payloads.close();
  });

  test('bad rows are not tolerated where dead letters are off: halt with the message’s position', async ({
    place,
  }) => {
    const payloads = await openPayloads(place, {
      ...numbers,
      columns: { id: 'id', value: 'toInt64(x)' },
      also: { deadLetters: { enabled: false } },
    });
    await payloads.publish([good(1), good(2), '{"id":3,"x":""}']);
    const halted = await payloads.consume();
    expect(halted).toMatchObject({ outcome: 'halted', halt: { code: 'PH_HALT_BAD_MESSAGE' } });
    expect(halted.halt?.reason).toMatch(/message 2 of its entry.*at \d+:0/s);
    await payloads.close();
  });
});
