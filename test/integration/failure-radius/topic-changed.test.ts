import { readFile, writeFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { createTopic, publishEvents } from '../../support/events.ts';
import { test } from '../../support/place.ts';
import { prepare } from '../cli/subject.ts';

const COMMANDS = [
  ['consume', '--until', 'drained'],
  ['checkpoint'],
  ['run'],
  ['audit'],
  ['status'],
  ['replay'],
  ['redrive'],
  ['offsets', 'set', '--to', 'latest'],
] as const;

test('a topic edited under the same name is noticed by every command, and nothing of it is read', async ({
  place,
  signal,
}) => {
  const { commands, file, ddl, topic } = await prepare(place, signal, { partitions: 2 });
  expect(await commands.run('init', '--ddl', ddl)).toMatchObject({ code: 0 });
  await publishEvents(place.environment, `${topic}-partition-0`, {
    entries: 1,
    messagesAnEntry: 10,
    from: 0,
  });
  expect(await commands.run('consume', '--until', 'drained')).toMatchObject({ code: 0 });
  const other = place.topic('others');
  // More partitions than the one before had: those would be taken in beside the others.
  await createTopic(place.environment, other, 4);
  for (let partition = 0; partition < 4; partition += 1) {
    const publication = { entries: 1, messagesAnEntry: 10, from: 100 + partition * 10 };
    await publishEvents(place.environment, `${other}-partition-${partition}`, publication);
  }
  await writeFile(file, (await readFile(file, 'utf8')).replace(topic, other));
  for (const words of COMMANDS) {
    expect(await commands.run(...words), words[0]).toMatchObject({
      code: 1,
      answer: {
        error: { code: 'PH_TOPIC_CHANGED', message: expect.stringContaining(`${topic}-partition-`) },
      },
    });
  }
  const doctor = await commands.run('doctor');
  expect(doctor.code).toBe(1);
  expect(JSON.stringify(doctor.answer)).toContain(`${topic}-partition-`);
  expect(await place.query(`SELECT count() FROM ${place.database}.events`)).toBe('10\n');
  // Put back, all goes on.
  await writeFile(file, (await readFile(file, 'utf8')).replace(other, topic));
  expect(await commands.run('audit')).toMatchObject({ code: 0, answer: { exact: true, rows: 10 } });
});
