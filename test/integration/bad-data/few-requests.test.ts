import { describe, expect, vi } from 'vitest';
import { entryOf } from '../../contract/sink/messages.ts';
import { type SinkTable, test } from '../clickhouse/sink-table.ts';

const MESSAGES = 4_000;

function bodyOf({ sink }: SinkTable, message: (id: number) => string) {
  const body = sink.newBody(0);
  body.add(
    entryOf(
      1,
      0,
      Array.from({ length: MESSAGES }, (_, id) => message(id)),
    ),
  );
  return body;
}

describe('bad rows cost few requests, however many there are', () => {
  test('values that no field can be read from, of three kinds', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const bad = [
      '{"day":"2026-01-05","value":"n/a"}',
      '{"day":"someday","value":1}',
      '{"day":[1],"value":1}',
    ];
    const isBad = (id: number) => id % 10 === 7;
    const body = bodyOf(table, (id) =>
      isBad(id) ? (bad[id % 3] ?? '') : '{"day":"2026-01-05",\n"value":1}',
    );
    const asked = vi.spyOn(table.server, 'answer');
    const trial = table.sink.openTrial();
    const found = await trial.sift(body, table.deadline());
    expect(found.map(({ row }) => row).sort((a, b) => a - b)).toEqual(
      Array.from({ length: MESSAGES }, (_, id) => id).filter(isBad),
    );
    expect(new Set(found.map(({ reason }) => /field (\w+)/.exec(reason)?.[1]))).toEqual(
      new Set([undefined, 'value', 'day']),
    );
    expect(asked.mock.calls.length).toBeLessThan(30);
    await trial.close();
  });

  test('a value that an expression fails on, in many rows', async ({ openTable }) => {
    const table = await openTable({
      window: 100,
      fields: { day: 'Date', value: 'String', note: 'String' },
      columns: { day: 'day', value: 'toInt64(value)' },
    });
    const isBad = (id: number) => id % 20 === 3;
    const body = bodyOf(
      table,
      (id) => `{"day":"2026-01-05","value":"${isBad(id) ? 'n/a' : id}","note":"${id}"}`,
    );
    const asked = vi.spyOn(table.server, 'answer');
    const trial = table.sink.openTrial();
    expect(await trial.sift(body, table.deadline())).toEqual([]);
    expect(await trial.probe(body, 3, 4, 'columns', table.deadline())).toBeDefined();
    expect([3, ...(await trial.alike(body, 3, table.deadline()))]).toEqual(
      Array.from({ length: MESSAGES }, (_, id) => id).filter(isBad),
    );
    expect(asked.mock.calls.length).toBeLessThan(20);
    await trial.close();
  });

  test('a value that an expression fails on, in one row of many', async ({ openTable }) => {
    const table = await openTable({
      window: 100,
      fields: { day: 'String', value: 'Int64' },
      columns: { day: 'toDate(parseDateTimeBestEffort(day))', value: 'value' },
    });
    const body = bodyOf(table, (id) => `{"day":"${id === 2_777 ? 'someday' : '2026-01-05'}","value":${id}}`);
    const trial = table.sink.openTrial();
    const many = await trial.probe(body, 1_000, MESSAGES, 'columns', table.deadline());
    // The server's words name no row; what it counted does.
    expect(many).toMatchObject({ row: undefined, among: [2_728, 2_792] });
    const few = await trial.probe(body, 2_728, 2_792, 'columns', table.deadline());
    expect(few).toMatchObject({ row: undefined, among: [2_777, 2_778] });
    await trial.close();
  });

  test('a row that fails a constraint over two columns is nobody else’s fault', async ({ openTable }) => {
    const table = await openTable({
      window: 100,
      fields: { day: 'Date', value: 'Int64', most: 'Int64' },
      columns: { day: 'day', value: 'value', most: 'most' },
      also: ['most Int64', 'CONSTRAINT ordered CHECK value <= most'],
    });
    const body = bodyOf(table, (id) => `{"day":"2026-01-05","value":5,"most":${id === 9 ? 4 : 6}}`);
    const trial = table.sink.openTrial();
    expect(await trial.probe(body, 9, 10, 'columns', table.deadline())).toBeDefined();
    expect(await trial.alike(body, 9, table.deadline())).toEqual([]);
    await trial.close();
  });
});
