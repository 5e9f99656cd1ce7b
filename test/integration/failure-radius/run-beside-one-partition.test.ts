import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { publishEvents } from '../../support/events.ts';
import { test } from '../../support/place.ts';
import { prepare } from '../cli/subject.ts';

const LOOK_EVERY = 200;

test('run goes on with the other partitions when the subscription of one was deleted before it began', async ({
  place,
  signal,
}) => {
  const settings = {
    consume: { mode: 'drain', lease: '2s' },
    checkpoint: { interval: '2s', flushTimeout: '1s' },
    batch: { maxWait: '200ms' },
  };
  const subject = await prepare(place, signal, { partitions: 2, settings });
  expect(await subject.commands.run('init', '--ddl', subject.ddl)).toMatchObject({ code: 0 });
  const publish = (partition: number, from: number) =>
    publishEvents(place.environment, `${subject.topic}-partition-${partition}`, {
      entries: 1,
      messagesAnEntry: 10,
      from,
    });
  await publish(0, 0);
  await publish(1, 10);
  expect(await subject.commands.run('consume', '--until', 'drained')).toMatchObject({ code: 0 });
  const path = subject.topic.replace('://', '/');
  await place.admin('DELETE', `${path}-partition-1/subscription/pulsehouse-events?force=true`);

  const run = subject.commands.start('run');
  await publish(0, 20);
  // Where they never come, the test's own time runs out.
  while (Number(await place.query(`SELECT count() FROM ${place.database}.events`)) < 30)
    await sleep(LOOK_EVERY);
  await publish(0, 30);
  while (Number(await place.query(`SELECT count() FROM ${place.database}.events`)) < 40)
    await sleep(LOOK_EVERY);
  run.child.kill('SIGTERM');
  expect(await run.ended).toMatchObject({ code: 0 });
}, 90_000);
