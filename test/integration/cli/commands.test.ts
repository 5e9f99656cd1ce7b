import { describe, expect } from 'vitest';
import { publishEvents } from '../../support/events.ts';
import { test } from '../../support/place.ts';
import { prepare } from './subject.ts';

describe('the command line', () => {
  test('answers one line of JSON, and its exit code says how it went', async ({ place, signal }) => {
    const { commands, ddl, topic } = await prepare(place, signal, { partitions: 2 });
    expect(await commands.run('status')).toMatchObject({
      code: 1,
      answer: { error: { code: 'PH_STATE_MISSING' } },
    });
    expect(await commands.run('init', '--ddl', ddl)).toMatchObject({ code: 0, answer: { partitions: 2 } });
    expect(await commands.run('init')).toMatchObject({ code: 0 });
    await publishEvents(place.environment, `${topic}-partition-1`, {
      entries: 5,
      messagesAnEntry: 10,
      from: 0,
    });
    const consumed = await commands.run('consume', '--until', 'drained');
    expect(consumed).toMatchObject({
      code: 0,
      answer: { partitions: [{ rows: 0 }, { rows: 50, outcome: 'drained' }] },
    });
    expect(await commands.run('checkpoint')).toMatchObject({
      code: 0,
      answer: { outcome: 'completed', checkpoint: 1 },
    });
    expect(await commands.run('audit')).toMatchObject({ code: 0, answer: { exact: true, rows: 50 } });
    const since = (answer: object) => ({ code: 0, answer: { exact: true, ...answer } });
    expect(await commands.run('audit', '--since', 'last')).toMatchObject(since({ messages: 50 }));
    expect(await commands.run('audit', '--since', 'last')).toMatchObject(
      since({ messages: 0, since: expect.stringMatching(/^events\/audits\/.*\.exact\.json$/) }),
    );
    await place.query(`ALTER TABLE ${place.database}.events DELETE WHERE id = 7 SETTINGS mutations_sync = 2`);
    expect(await commands.run('audit')).toMatchObject({ code: 3, answer: { exact: false, missing: 1 } });
    expect(await commands.run('replay')).toMatchObject({ code: 3, answer: { dryRun: true, missing: 1 } });
    expect(await commands.run('doctor')).toMatchObject({ code: 0 });
    expect(await commands.run('explain')).toMatchObject({
      code: 0,
      answer: {
        format: 'RowBinary',
        statement: expect.stringMatching(/ FORMAT JSONEachRow$/),
        unitedStatement: expect.stringMatching(/ UNION ALL SELECT .* FORMAT RowBinary$/),
      },
    });
  });

  test('a wrong option, range or topic is one clear error with a next step', async ({ place, signal }) => {
    const { commands, ddl } = await prepare(place, signal, { partitions: 0 });
    expect(await commands.run('audit', '--sinc', '3')).toMatchObject({ code: 2, answer: undefined });
    expect(await commands.run('replay', '--from', 'yesterday')).toMatchObject({
      code: 2,
      answer: { error: { code: 'PH_RANGE_INVALID', nextStep: expect.any(String), docs: expect.any(String) } },
    });
    const missing = await commands.run('init', '--ddl', ddl);
    expect(missing).toMatchObject({ code: 1, answer: { error: { code: 'PH_PULSAR_TOPIC_NOT_FOUND' } } });
    expect(missing.said).not.toMatch(/^\s+at /m);
  });

  test('SIGTERM flushes, commits and gives the leases back', async ({ place, signal }) => {
    const { commands, ddl, topic } = await prepare(place, signal);
    await commands.run('init', '--ddl', ddl);
    await publishEvents(place.environment, `${topic}-partition-0`, {
      entries: 3,
      messagesAnEntry: 10,
      from: 0,
    });
    // A batch is cut after a minute here: what is stored sooner was flushed by the signal.
    const consuming = commands.start('consume', '--until', 'stopped', '--debug');
    const held = async () => (await commands.run('status')).answer?.['partitions'];
    await expect.poll(held).toMatchObject([{ holder: expect.any(String) }]);
    consuming.child.kill('SIGTERM');
    expect(await consuming.ended).toMatchObject({ code: 0 });
    const status = await commands.run('status');
    expect(status.answer).toMatchObject({ partitions: [{ inFlight: 0 }] });
    const [partition] = (status.answer?.['partitions'] ?? []) as readonly { readonly holder?: string }[];
    expect(partition?.holder).toBeUndefined();
    expect(await commands.run('consume', '--until', 'drained')).toMatchObject({ code: 0 });
    expect(await commands.run('audit')).toMatchObject({
      code: 0,
      answer: { exact: true, rows: 30, drained: true },
    });
  });

  test('a halted partition ends with 4 and waits for resume', async ({ place, signal }) => {
    const { commands, ddl, topic } = await prepare(place, signal);
    await commands.run('init', '--ddl', ddl);
    await publishEvents(place.environment, `${topic}-partition-0`, {
      entries: 2,
      messagesAnEntry: 10,
      from: 0,
    });
    await commands.run('consume', '--until', 'drained');
    await place.query(
      `INSERT INTO ${place.database}.events SELECT id, _partition, _ledger, 900, _index, _row FROM ${place.database}.events LIMIT 1`,
    );
    expect(await commands.run('consume', '--until', 'drained')).toMatchObject({
      code: 4,
      answer: { partitions: [{ outcome: 'halted', halt: { code: 'PH_HALT_STATE_BEHIND' } }] },
    });
    expect(await commands.run('status')).toMatchObject({ code: 4 });
    await place.query(
      `ALTER TABLE ${place.database}.events DELETE WHERE _entry = 900 SETTINGS mutations_sync = 2`,
    );
    expect(await commands.run('resume', '--partition', '0')).toMatchObject({ code: 0 });
    expect(await commands.run('consume', '--until', 'drained')).toMatchObject({ code: 0 });
    expect(await commands.run('status')).toMatchObject({ code: 0 });
  });

  test('so does the halted partition of a replay, whose pipeline is well', async ({ place, signal }) => {
    const { commands, ddl, topic } = await prepare(place, signal);
    await commands.run('init', '--ddl', ddl);
    const publication = { entries: 2, messagesAnEntry: 10, from: 0 };
    await publishEvents(place.environment, `${topic}-partition-0`, publication);
    await commands.run('consume', '--until', 'drained');
    const events = `${place.database}.events`;
    await place.query(`ALTER TABLE ${events} DELETE WHERE id = 3 SETTINGS mutations_sync = 2`);
    const begun = await commands.run('replay', '--mode', 'repair', '--yes', '--detach');
    const id = String(begun.answer?.['replay']);
    await place.query(
      `INSERT INTO ${events} SELECT * FROM ${events} WHERE id = 4 SETTINGS insert_deduplicate = 0`,
    );
    expect(await commands.run('replay', '--continue', id)).toMatchObject({ code: 4 });
    expect(await commands.run('status')).toMatchObject({
      code: 4,
      answer: { replays: [{ id, halted: [{ partition: 0, code: 'PH_HALT_ROWS_DOUBLED' }] }] },
    });
    await place.query(`ALTER TABLE ${events} DELETE WHERE id = 4 SETTINGS mutations_sync = 2`);
    expect(await commands.run('replay', '--continue', id)).toMatchObject({ code: 0 });
    expect(await commands.run('status')).toMatchObject({ code: 0 });
  });
});
