import { spawnSync } from 'node:child_process';
import { describe, expect } from 'vitest';
import { COMMAND, commandsFor } from '../../../examples/tour/commands.ts';
import { publishEvents } from '../../support/events.ts';
import { type Place, test } from '../../support/place.ts';
import { prepare } from '../cli/subject.ts';

/** A port that nothing listens on: every try fails by an error that does not halt. */
const NOWHERE = { CLICKHOUSE_URL: 'http://127.0.0.1:9' };
const failed = (count: number) => ({
  code: 'PH_CLICKHOUSE_UNREACHABLE',
  count,
  nextStep: expect.any(String),
});

/** What a person reads, without `--json`. */
function textOf(place: Place, file: string, command: string): string {
  const env = { ...process.env, ...place.environment };
  return spawnSync(process.execPath, [COMMAND, command, '-c', file], { env, encoding: 'utf8' }).stdout;
}

describe('a partition that fails try after try', () => {
  test('is seen by status, doctor, checkpoint and audit until it stores something', async ({
    place,
    signal,
  }) => {
    const { commands, file, ddl, topic } = await prepare(place, signal);
    const broken = commandsFor(file, { ...place.environment, ...NOWHERE }, signal);
    await commands.run('init', '--ddl', ddl);
    const publication = { entries: 5, messagesAnEntry: 10, from: 0 };
    await publishEvents(place.environment, `${topic}-partition-0`, publication);

    expect(await broken.run('consume', '--until', 'drained')).toMatchObject({ code: 1 });
    const once = { failedTries: failed(1), stuck: false };
    expect(await commands.run('status')).toMatchObject({ code: 0, answer: { partitions: [once] } });
    expect(await broken.run('checkpoint')).toMatchObject({ code: 5, answer: { failing: [0] } });
    expect(await broken.run('consume', '--until', 'drained')).toMatchObject({ code: 1 });

    const often = { failedTries: failed(3), stuck: true, inFlight: 0 };
    const status = await commands.run('status');
    expect(status).toMatchObject({ code: 5, answer: { partitions: [often] } });
    expect(textOf(place, file, 'status')).toContain('Partition 0 makes no progress: 3 failed tries since');
    expect(await commands.run('doctor')).toMatchObject({ code: 1 });
    expect(textOf(place, file, 'doctor')).toMatch(
      /wrong {2}state .*partition 0 makes no progress: 3 failed tries/,
    );
    const audit = await commands.run('audit');
    expect(audit).toMatchObject({ code: 5, answer: { exact: false, missing: 0, stuck: [{ partition: 0 }] } });
    expect(textOf(place, file, 'audit')).toContain('stuck, what is committed is right');

    expect(await commands.run('consume', '--until', 'drained')).toMatchObject({ code: 0 });
    const well = await commands.run('status');
    expect(well).toMatchObject({ code: 0, answer: { partitions: [{ stuck: false }] } });
    expect(well.answer?.['partitions']).not.toMatchObject([{ failedTries: expect.anything() }]);
    expect(await commands.run('audit')).toMatchObject({ code: 0, answer: { exact: true } });
    expect(await commands.run('checkpoint')).toMatchObject({ code: 0, answer: { failing: [] } });
  });

  test('is not called exact either when it is halted', async ({ place, signal }) => {
    const { commands, file, ddl, topic } = await prepare(place, signal);
    await commands.run('init', '--ddl', ddl);
    const publication = { entries: 5, messagesAnEntry: 10, from: 0 };
    await publishEvents(place.environment, `${topic}-partition-0`, publication);
    await commands.run('consume', '--until', 'drained');
    const rows = `${place.database}.events`;
    await place.query(
      `INSERT INTO ${rows} SELECT id, _partition, _ledger, 900, _index, _row FROM ${rows} LIMIT 1`,
    );
    expect(await commands.run('consume', '--until', 'drained')).toMatchObject({ code: 4 });
    expect(await commands.run('audit')).toMatchObject({ code: 3, answer: { exact: false } });
    await place.query(`ALTER TABLE ${rows} DELETE WHERE _entry = 900 SETTINGS mutations_sync = 2`);
    const audit = await commands.run('audit');
    expect(audit).toMatchObject({
      code: 4,
      answer: { exact: false, problems: [], stuck: [{ halted: true }] },
    });
    expect(textOf(place, file, 'audit')).toContain('halted, what is committed is right');
  });
});
