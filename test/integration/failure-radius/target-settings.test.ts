import { describe, expect, vi } from 'vitest';
import { checkSettings } from '../../../lib/clickhouse/accepted-settings.ts';
import { INSERT_SETTINGS, QUESTION_SETTINGS } from '../../../lib/clickhouse/insert-settings.ts';
import { ClickHouseSink } from '../../../lib/clickhouse/sink.ts';
import { ADMITTED_SETTINGS } from '../../../lib/configuration/target-settings.ts';
import type { BatchBody, InsertSend } from '../../../lib/ports/sink.ts';
import { entryOf } from '../../contract/sink/messages.ts';
import { type SinkTable, test } from '../clickhouse/sink-table.ts';

const sending = ({ deadline, uniqueId }: SinkTable, body: BatchBody): InsertSend => ({
  ...{ body, token: uniqueId(), queryId: uniqueId() },
  ...{ notAfter: Date.now() + 30_000, deadline: deadline() },
});

describe('target.settings', () => {
  test('go with an insert and with every trial of its rows, and none takes the place of a pinned one', async ({
    openTable,
  }) => {
    const table = await openTable({ window: 100 });
    const settings = { log_comment: 'of the pipeline', max_threads: '2', async_insert: '1' };
    const mapping = { ...table.mapping, targetOptions: { settings } };
    const sink = new ClickHouseSink(mapping, table.server, { now: () => Date.now() });
    const asked = vi.spyOn(table.server, 'answer');
    const body = sink.newBody(0);
    body.add(entryOf(1, 0, ['{"day":"2026-01-05","value":1}', '{"day":"2026-01-05","value":"n/a"}']));
    expect(await sink.insert(sending(table, body))).toMatchObject({ kind: 'answered' });
    const trial = sink.openTrial();
    expect(await trial.probe(body, 0, 1, 'table', table.deadline())).toBeUndefined();
    expect(await trial.probe(body, 1, 2, 'columns', table.deadline())).toBeDefined();
    expect((await trial.sift(body, table.deadline())).map(({ row }) => row)).toEqual([1]);
    await trial.close();
    const sent = asked.mock.calls
      .map(([request]) => request)
      .filter(
        ({ body: rows, sql }) =>
          rows !== undefined || sql.startsWith('CREATE TEMPORARY TABLE pulsehouse_trial'),
      );
    expect(sent.length).toBeGreaterThan(5);
    for (const request of sent)
      expect(request.settings, request.sql).toMatchObject({ log_comment: 'of the pipeline' });
    for (const { settings: given } of sent.filter(({ sql }) => sql.startsWith('INSERT')))
      expect(given).toMatchObject({ async_insert: 0 });
  });

  test('that the server does not know are a finding and a halting answer, never left out', async ({
    openTable,
  }) => {
    const table = await openTable({ window: 100 });
    const mapping = { ...table.mapping, targetOptions: { settings: { no_such_setting: '1' } } };
    expect(await checkSettings(table.questions, mapping, table.deadline())).toEqual([
      expect.objectContaining({ severity: 'error', message: expect.stringContaining('no_such_setting') }),
    ]);
    const sink = new ClickHouseSink(mapping, table.server, { now: () => Date.now() });
    const body = sink.newBody(0);
    body.add(entryOf(1, 0, ['{"day":"2026-01-05","value":1}']));
    expect(await sink.insert(sending(table, body))).toMatchObject({ kind: 'answered', serverCode: 115 });
    expect(await sink.openTrial().probe(sink.newBody(0), 0, 0, 'columns', table.deadline())).toBeDefined();
  });

  test('that are admitted are known to this server, and none of them is pinned', async ({ openTable }) => {
    const { query } = await openTable({ window: 100 });
    const known = new Set((await query('SELECT name FROM system.settings FORMAT TSV')).split('\n'));
    const pinned = { ...INSERT_SETTINGS, ...QUESTION_SETTINGS };
    const admitted = Object.keys(ADMITTED_SETTINGS);
    expect(admitted.filter((name) => !known.has(name) || name in pinned)).toEqual([]);
  });
});
