import { describe, expect } from 'vitest';
import type { Answer } from '../../../lib/clickhouse/endpoint.ts';
import { type Request, Server } from '../../../lib/clickhouse/server.ts';
import { ForeignAnswer } from '../../../lib/clickhouse/server-error.ts';
import { SelectedRows } from '../../../lib/consume/bad-rows/selected-rows.ts';
import type { BatchBody, Sink } from '../../../lib/ports/sink.ts';
import { entryOf, rangeAll } from '../../contract/sink/messages.ts';
import { entryOf as entryOfBytes } from '../../support/entry-of.ts';
import { openFaultyGateway } from '../../support/faulty-gateway.ts';
import { PROJECTION, type SinkTable, test } from './sink-table.ts';
import { binarySink, dayValueFormat, jsonSink, send } from './two-formats.ts';

const DAYS = ['2026-01-05', '2026-01-06', '2026-01-07'];
const plain = (value: number) => `{"day":"${DAYS[value % DAYS.length]}","value":${value}}`;
/** What the reference encoder leaves to the server. */
const odd = (value: number) => `{"value":"${value}","day":"${DAYS[value % DAYS.length]}"}`;

const USUAL = Array.from({ length: 500 }, (_, value) => plain(value));
const MIXED = Array.from({ length: 500 }, (_, value) => (value % 50 === 7 ? odd(value) : plain(value)));

function bodyOf(sink: Sink, payloads: readonly string[], ledger = 1): BatchBody {
  const body = sink.newBody(0);
  body.add(entryOf(ledger, 0, payloads.slice(0, payloads.length >> 1)));
  body.add(entryOf(ledger, 1, payloads.slice(payloads.length >> 1)));
  return body;
}

function rowsOf({ name, query }: SinkTable, columns = '*'): Promise<string> {
  return query(`SELECT ${columns} FROM ${name} ORDER BY _ledger, _entry, _index FORMAT TSV`);
}

async function partsOf({ name, query }: SinkTable): Promise<number> {
  const [database, table] = name.split('.');
  return Number(
    await query(
      `SELECT count() FROM system.part_log WHERE event_type = 'NewPart' AND database = '${database}' AND table = '${table}'`,
    ),
  );
}

/** Counts in which format the inserts come. */
class Listening extends Server {
  readonly formats: string[] = [];

  override answer(request: Request): Promise<Answer> {
    const text = Buffer.concat([Buffer.from(`${request.sql}\n`), ...(request.body ?? [])]).toString('latin1');
    if (request.body) this.formats.push(/ FORMAT (RowBinary|JSONEachRow)(?:\n|$)/.exec(text)?.[1] ?? 'none');
    return super.answer(request);
  }
}

describe('a batch in either format', () => {
  test.for([
    ['all rows as RowBinary', USUAL],
    ['some rows as JSON', MIXED],
  ] as const)('is stored alike, in one part a table partition: %s', async ([, payloads], { openTable }) => {
    const [one, other] = [await openTable({ window: 100 }), await openTable({ window: 100 })];
    const listening = new Listening(one.credentials);
    const sink = binarySink(one, { by: listening });
    expect(await send(one, sink, bodyOf(sink, payloads))).toEqual({ kind: 'stored' });
    expect(listening.formats).toEqual(['RowBinary']);
    const json = jsonSink(other);
    expect(await send(other, json, bodyOf(json, payloads))).toEqual({ kind: 'stored' });
    expect(await rowsOf(one)).toBe(await rowsOf(other));
    await one.query('SYSTEM FLUSH LOGS part_log');
    expect(await partsOf(one)).toBe(DAYS.length);
    await sink.close();
  });

  test.for([
    ['JSON, then RowBinary', jsonSink, binarySink],
    ['RowBinary, then JSON', binarySink, jsonSink],
  ] as const)('is stored once under its token: %s', async ([, first, second], { openTable }) => {
    const table = await openTable({ window: 100 });
    const earlier = first(table);
    const later = second(table);
    expect(later.mapping).toBe(earlier.mapping);
    expect(await send(table, earlier, bodyOf(earlier, MIXED), 'one')).toEqual({ kind: 'stored' });
    expect(await send(table, later, bodyOf(later, MIXED), 'one')).toEqual({ kind: 'stored' });
    expect(await later.countRows(rangeAll(0), table.deadline())).toEqual({ rows: 500, distinct: 500 });
    expect(await send(table, later, bodyOf(later, MIXED), 'another')).toEqual({ kind: 'stored' });
    expect((await later.countRows(rangeAll(0), table.deadline())).rows).toBe(1000);
  });

  test('whose answer is lost is stored once by JSON under its token', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const gateway = await openFaultyGateway(table.server.url);
    const lossy = new Server({ ...table.credentials, endpoints: [{ url: gateway.endpoint }] });
    const sink = binarySink(table, { by: lossy });
    await sink.serverNow(table.deadline());
    // Settings and views are asked for before the insert.
    await send(table, sink, bodyOf(sink, [plain(0)], 9), 'before');
    gateway.plan('lose-reply');
    const body = bodyOf(sink, MIXED);
    expect(await send(table, sink, body, 'one')).toMatchObject({ kind: 'in-doubt' });
    const json = jsonSink(table);
    expect(await send(table, json, bodyOf(json, MIXED), 'one')).toEqual({ kind: 'stored' });
    expect(await send(table, sink, body, 'one')).toEqual({ kind: 'stored' });
    expect(await json.countRows(rangeAll(0), table.deadline())).toEqual({ rows: 501, distinct: 501 });
    await sink.close();
    await gateway.close();
  });

  test('is stored once where its parts are sent again', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const sink = binarySink(table);
    const body = bodyOf(sink, MIXED);
    const odds = Array.from({ length: 250 }, (_, row) => 2 * row + 1);
    expect(await send(table, sink, new SelectedRows(body, odds))).toEqual({ kind: 'stored' });
    const missing = sink.newBody(0, true);
    for (const [entry, half] of [MIXED.slice(0, 250), MIXED.slice(250)].entries())
      missing.add(entryOf(1, entry, half), (_, index) => index % 2 === 1);
    expect(await send(table, sink, missing)).toEqual({ kind: 'stored' });
    const other = await openTable({ window: 100 });
    const whole = jsonSink(other);
    await send(other, whole, bodyOf(whole, MIXED));
    expect(await rowsOf(table)).toBe(await rowsOf(other));
  });

  test('fills a view once', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    await table.query(
      `CREATE MATERIALIZED VIEW ${table.name}_view ENGINE = MergeTree ORDER BY value
SETTINGS non_replicated_deduplication_window = 100 AS SELECT value FROM ${table.name}`,
    );
    const sink = binarySink(table);
    const json = jsonSink(table);
    expect(await send(table, sink, bodyOf(sink, MIXED), 'one')).toEqual({ kind: 'stored' });
    expect(await send(table, json, bodyOf(json, MIXED), 'one')).toEqual({ kind: 'stored' });
    expect(await table.query(`SELECT count(), uniqExact(value) FROM ${table.name}_view FORMAT TSV`)).toBe(
      '500\t500\n',
    );
  });

  test('names the same rows as taken by a TTL', async ({ openTable }) => {
    const table = await openTable({ window: 100, also: [PROJECTION] });
    await table.query(`ALTER TABLE ${table.name} MODIFY TTL day + INTERVAL 1 DAY WHERE value % 2 = 1`);
    const [sink, json] = [binarySink(table), jsonSink(table)];
    const old = MIXED.map((text) => text.replaceAll('2026', '2020'));
    const expired = await sink.expiredRows(bodyOf(sink, old), table.deadline());
    expect(expired.flatMap(({ indexes }) => indexes)).toHaveLength(250);
    expect(expired).toEqual(await json.expiredRows(bodyOf(json, old), table.deadline()));
  });

  test('stores nothing once its time has passed', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const sink = binarySink(table);
    for (const payloads of [USUAL, MIXED]) {
      const [queryId, token] = [table.uniqueId(), table.uniqueId()];
      const notAfter = Date.now() - 1_000;
      const outcome = await sink.insert({
        ...{ body: bodyOf(sink, payloads), notAfter, queryId, token },
        deadline: table.deadline(),
      });
      expect(outcome).toMatchObject({ kind: 'in-doubt', error: { code: 'PH_INSERT_LATE' } });
    }
    expect((await sink.countRows(rangeAll(0), table.deadline())).rows).toBe(0);
  });
});

describe('rows that only the server can read', () => {
  const texts = (): Uint8Array[] => {
    const wild = Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0xe2, 0x82, 0x7f, 0x80]);
    const quoted = (inner: Uint8Array) =>
      Buffer.concat([Buffer.from('{"day":"2026-01-05","text":"'), inner, Buffer.from('"}')]);
    return [
      quoted(wild),
      quoted(Buffer.from("it's; DROP TABLE x -- \\\\ \\\" '' \\u0000 \\n {notAfter:UInt32} $x$ 🦜")),
      quoted(Buffer.from("\\\\'")),
      quoted(Buffer.from("'\\\\")),
      Buffer.from('\n{ "text" :\t"a\\/b" ,\r\n "value": 5 }\n'),
      // Longer than the server takes a statement to be by itself.
      quoted(Buffer.from("'x".repeat(200_000))),
    ];
  };

  test('are stored byte for byte as in a body that is JSON', async ({ openTable }) => {
    const options = {
      window: 100,
      also: ['text String'],
      fields: { day: 'Date', value: 'Int64', text: 'String' },
      columns: { day: 'day', value: 'value', text: 'text' },
    };
    const [one, other] = [await openTable(options), await openTable(options)];
    const entry = entryOfBytes({ ledger: 1, entry: 0 }, [...texts(), Buffer.from(plain(1))], 1);
    for (const [table, sink] of [
      [one, binarySink(one, { format: dayValueFormat('text') })],
      [other, jsonSink(other)],
    ] as const) {
      const body = sink.newBody(0);
      body.add(entry);
      expect(body).toMatchObject({ rows: texts().length + 1, bad: [] });
      expect(await send(table, sink, body)).toEqual({ kind: 'stored' });
    }
    expect(await rowsOf(one, 'day, value, hex(text)')).toBe(await rowsOf(other, 'day, value, hex(text)'));
  });

  test('do not stand in the query log', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const sink = binarySink(table);
    const secret = 'a text of nobody else';
    const body = sink.newBody(0);
    body.add(entryOf(1, 0, [plain(1), `{"value":1,"other":"${secret}"}`]));
    const queryId = table.uniqueId();
    const [notAfter, token] = [Date.now() + 60_000, 'one'];
    const outcome = await sink.insert({ body, token, queryId, notAfter, deadline: table.deadline() });
    expect(outcome).toEqual({ kind: 'stored' });
    await table.query('SYSTEM FLUSH LOGS query_log');
    const logged = await table.query(
      `SELECT query FROM system.query_log WHERE query_id = '${queryId}' AND type = 'QueryFinish' FORMAT TSVRaw`,
    );
    expect(logged).toContain('INSERT INTO');
    expect(logged).not.toContain(secret);
  });

  test('that are refused are named by their own message, and found as in a body that is JSON', async ({
    openTable,
  }) => {
    const table = await openTable({ window: 100 });
    const payloads = MIXED.map((text, row) => (row === 457 ? '{"value":"no number"}' : text));
    const [sink, json] = [binarySink(table), jsonSink(table)];
    const body = bodyOf(sink, payloads);
    const outcome = await send(table, sink, body);
    expect(outcome).toMatchObject({ kind: 'answered', meaning: 'data' });
    expect(outcome).toMatchObject({ error: { message: expect.stringContaining('(at row 458)') as string } });
    expect((await sink.countRows(rangeAll(0), table.deadline())).rows).toBe(0);
    const found = await Promise.all(
      [sink, json].map(async (each) => {
        const trial = each.openTrial();
        const rows = await trial.sift(each === sink ? body : bodyOf(json, payloads), table.deadline());
        await trial.close();
        return rows;
      }),
    );
    expect(found[0]).toEqual(found[1]);
    expect(found[0]?.map(({ row }) => row)).toEqual([457]);
  });
});

describe('RowBinary behind its statement', () => {
  test('is read from its first byte on, whatever that looks like in SQL', async ({ openTable }) => {
    const table = await openTable({ window: 1000 });
    const sink = binarySink(table);
    // The first field is the ledger, lowest byte first.
    const looks = [
      '\n',
      ' ',
      '\t',
      '\r',
      "'",
      '"',
      '`',
      ';',
      '--',
      '/*',
      '#',
      '$$',
      '\\',
      '(',
      ')',
      'SETT',
      'FORMA',
    ];
    const ledgers = looks.map((text) => Buffer.from(text.padEnd(6, '\0'), 'latin1').readUIntLE(0, 6));
    for (const ledger of ledgers) {
      for (const payloads of [[plain(1)], [plain(1), odd(2)]]) {
        const body = sink.newBody(payloads.length);
        body.add(entryOf(ledger, 0, payloads));
        expect(await send(table, sink, body)).toEqual({ kind: 'stored' });
      }
    }
    expect(await table.query(`SELECT DISTINCT _ledger FROM ${table.name} ORDER BY _ledger FORMAT TSV`)).toBe(
      [...ledgers.sort((a, b) => a - b), ''].join('\n'),
    );
  });
});

describe('what refuses RowBinary and takes JSON', () => {
  class Refusing extends Listening {
    override async answer(request: Request): Promise<Answer> {
      const answer = super.answer(request);
      if (this.formats.at(-1) !== 'RowBinary' || !request.body) return answer;
      await answer.catch(() => undefined);
      throw new ForeignAnswer(400, 'the request is malicious');
    }
  }

  test('gets JSON: the body that was refused, and after two of them every one', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const refusing = new Refusing(table.credentials);
    let fallbacks = 0;
    const sink = binarySink(table, { by: refusing, onFallback: () => (fallbacks += 1) });
    for (const ledger of [1, 2, 3]) {
      const body = bodyOf(sink, USUAL, ledger);
      const first = await send(table, sink, body, `${ledger}`);
      if (ledger < 3) expect(first).toMatchObject({ kind: 'in-doubt' });
      else expect(first).toEqual({ kind: 'stored' });
      if (ledger < 3) expect(await send(table, sink, body, `${ledger}`)).toEqual({ kind: 'stored' });
      expect(fallbacks).toBe(ledger < 2 ? 0 : 1);
    }
    expect(refusing.formats).toEqual([
      ...['RowBinary', 'JSONEachRow'],
      ...['RowBinary', 'JSONEachRow'],
      'JSONEachRow',
    ]);
    expect((await sink.countRows(rangeAll(0), table.deadline())).distinct).toBe(1500);
    await sink.close();
  });

  test('a server that is away changes nothing', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const gateway = await openFaultyGateway(table.server.url);
    const listening = new Listening({ ...table.credentials, endpoints: [{ url: gateway.endpoint }] });
    const sink = binarySink(table, { by: listening });
    await send(table, sink, bodyOf(sink, USUAL, 9));
    for (const ledger of [1, 2, 3]) {
      const body = bodyOf(sink, USUAL, ledger);
      gateway.plan(ledger % 2 === 1 ? 'break' : 'lose-reply');
      expect(await send(table, sink, body, `${ledger}`)).toMatchObject({ kind: 'in-doubt' });
      expect(await send(table, sink, body, `${ledger}`)).toEqual({ kind: 'stored' });
    }
    expect(new Set(listening.formats)).toEqual(new Set(['RowBinary']));
    await sink.close();
    await gateway.close();
  });

  test('a limit of the user on the length of statements is no reason to halt', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    class Limited extends Listening {
      override answer(request: Request): Promise<Answer> {
        const { max_query_size: size } = request.settings ?? {};
        return super.answer(
          size === undefined
            ? request
            : { ...request, settings: { ...request.settings, max_query_size: '1000' } },
        );
      }
    }
    const limited = new Limited(table.credentials);
    const sink = binarySink(table, { by: limited });
    const body = sink.newBody(0);
    body.add(entryOf(1, 0, [plain(1), `{"other":"${'x'.repeat(300_000)}"}`]));
    expect(await send(table, sink, body, 'one')).toMatchObject({ kind: 'answered' });
    expect(await send(table, sink, body, 'one')).toEqual({ kind: 'stored' });
    expect(limited.formats).toEqual(['RowBinary', 'JSONEachRow']);
    expect((await sink.countRows(rangeAll(0), table.deadline())).rows).toBe(2);
    await sink.close();
  });
});
