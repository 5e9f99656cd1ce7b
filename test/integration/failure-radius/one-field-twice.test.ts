import { writeFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { EVENTS_DDL, publishEvents } from '../../support/events.ts';
import { test } from '../../support/place.ts';
import { prepare } from '../cli/subject.ts';

test('one field may fill several columns, a position one of its own too', async ({ place, signal }) => {
  const columns = {
    id: 'id',
    again: 'id',
    third: 'id',
    entry: '_entry',
    at: '_publish_time',
    later: '_publish_time',
  };
  const { commands, ddl, topic } = await prepare(place, signal, { settings: { columns } });
  const more = 'id UInt64, again UInt64, third UInt64, entry Int64, at Int64, later Int64,';
  await writeFile(ddl, EVENTS_DDL.replace('id UInt64,', more));
  expect(await commands.run('init', '--ddl', ddl)).toMatchObject({ code: 0 });
  await publishEvents(place.environment, `${topic}-partition-0`, {
    entries: 1,
    messagesAnEntry: 10,
    from: 1,
  });
  expect(await commands.run('consume', '--until', 'drained')).toMatchObject({ code: 0 });
  const equal = 'id = again AND id = third AND entry = _entry AND at = later AND at > 0';
  expect(await place.query(`SELECT countIf(${equal}) FROM ${place.database}.events`)).toBe('10\n');
});
