import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { commandsFor } from '../../../examples/tour/commands.ts';
import { createTopic, EVENTS_DDL, EVENTS_SOURCE, publishEvents } from '../../support/events.ts';
import { type Place, test } from '../../support/place.ts';

/** Files of both pipelines, each with commands that have a state table and a bucket of its own. */
async function prepare(place: Place, signal: AbortSignal) {
  const folder = await mkdtemp(join(tmpdir(), 'pulsehouse-branch-'));
  const ddl = join(folder, 'events.sql');
  await writeFile(ddl, EVENTS_DDL);
  const write = async (name: string) => {
    const file = join(folder, `${name}.yml`);
    const target = { database: place.database, table: name };
    const about = { name, topic: place.topic('events'), subscription: name, target, ...EVENTS_SOURCE };
    await writeFile(file, JSON.stringify({ ...about, batch: { insertTimeout: '3s' } }));
    return file;
  };
  const [blue, green] = [await write('blue'), await write('green')];
  const { PULSEHOUSE_STATE_TABLE: state, PULSEHOUSE_BUCKET: bucket } = place.environment;
  const others = { PULSEHOUSE_STATE_TABLE: `${state}-green`, PULSEHOUSE_BUCKET: `${bucket}-green` };
  return {
    ddl,
    blueFile: blue,
    bucket: bucket ?? '',
    blue: commandsFor(blue, place.environment, signal),
    green: commandsFor(green, { ...place.environment, ...others }, signal),
  };
}

test('a second pipeline is brought up from the first by one command, in a bucket and a table of its own', async ({
  place,
  signal,
}) => {
  const { blue, green, blueFile, bucket, ddl } = await prepare(place, signal);
  const topic = place.topic('events');
  const publish = (from: number) =>
    publishEvents(place.environment, `${topic}-partition-0`, { entries: 5, messagesAnEntry: 10, from });
  await createTopic(place.environment, topic, 1);
  expect(await blue.run('init', '--ddl', ddl)).toMatchObject({ code: 0 });
  await publish(0);
  expect(await blue.run('consume')).toMatchObject({ code: 0 });
  expect(await blue.run('checkpoint')).toMatchObject({ answer: { checkpoint: 1 } });
  const words = ['restore', '--from', blueFile, '--copy-rows', '--ddl', ddl] as const;
  expect(await green.run(...words)).toMatchObject({
    code: 1,
    answer: { error: { code: 'PH_SNAPSHOT_MISSING', nextStep: expect.stringContaining('--from-bucket') } },
  });
  expect(await green.run(...words, '--from-bucket', bucket)).toMatchObject({
    code: 0,
    answer: { from: 'blue', checkpoint: 1, snapshot: 1, partitions: [{ rows: 50 }], columnsLeftOut: [] },
  });
  await publish(50);
  for (const commands of [green, blue]) {
    expect(await commands.run('consume')).toMatchObject({ code: 0 });
    expect(await commands.run('checkpoint')).toMatchObject({ answer: { checkpoint: 2 } });
    expect(await commands.run('audit')).toMatchObject({ code: 0, answer: { exact: true, rows: 100 } });
  }
});
