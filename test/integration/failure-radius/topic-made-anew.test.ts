import { describe, expect } from 'vitest';
import { createTopic, publishEvents } from '../../support/events.ts';
import { type Place, test } from '../../support/place.ts';
import { prepare, type Subject, type SubjectOptions } from '../cli/subject.ts';

const SETTINGS = {
  consume: { mode: 'drain', lease: '2s' },
  checkpoint: { interval: '10s', flushTimeout: '5s' },
  batch: { maxWait: '200ms' },
};

/** A pipeline that has stored and acknowledged ten messages of each partition. */
async function begun(place: Place, signal: AbortSignal, options: SubjectOptions = {}) {
  const subject = await prepare(place, signal, { settings: SETTINGS, ...options });
  const { partitions = 1 } = options;
  expect(await subject.commands.run('init', '--ddl', subject.ddl)).toMatchObject({ code: 0 });
  let published = 0;
  const publish = async (count: number) => {
    for (let partition = 0; partition < count; partition += 1) {
      const publication = { entries: 1, messagesAnEntry: 10, from: published };
      published = await publishEvents(
        place.environment,
        `${subject.topic}-partition-${partition}`,
        publication,
      );
    }
  };
  await publish(partitions);
  // The second one acknowledges what consumers committed after the first one's flush.
  await subject.commands.run('checkpoint');
  expect(await subject.commands.run('checkpoint')).toMatchObject({ code: 0 });
  const rows = async () => Number(await place.query(`SELECT count() FROM ${place.database}.events`));
  expect(await rows()).toBe(partitions * 10);
  const path = subject.topic.replace('://', '/');
  const replace = async (count: number) => {
    await place.admin('DELETE', `${path}/partitions?force=true`);
    await createTopic(place.environment, subject.topic, count);
  };
  return { ...subject, path, publish, rows, replace };
}

async function beginAnew({ commands }: Pick<Subject, 'commands'>): Promise<void> {
  expect(await commands.run('pause')).toMatchObject({ code: 0 });
  expect(await commands.run('offsets', 'set', '--to', 'earliest', '--yes')).toMatchObject({ code: 0 });
  expect(await commands.run('resume')).toMatchObject({ code: 0 });
  expect(await commands.run('checkpoint')).toMatchObject({ code: 0 });
}

describe('a topic deleted and made anew', () => {
  test('keeps what arrives while its partition is halted, and all of it is stored in the end', async ({
    place,
    signal,
  }) => {
    const subject = await begun(place, signal);
    const { commands, path } = subject;
    await subject.replace(1);
    await subject.publish(1);
    expect(await commands.run('consume')).toMatchObject({ code: 4 });
    // Each unload closes a ledger, and a broker deletes the closed ones that no subscription holds.
    for (let unload = 0; unload < 2; unload += 1) {
      await place.admin('PUT', `${path}-partition-0/unload`);
      await subject.publish(1);
    }
    await place.admin('POST', `${path}-partition-0/trim`);
    await beginAnew(subject);
    expect(await subject.rows()).toBe(40);
    expect(await commands.run('audit')).toMatchObject({ code: 0, answer: { exact: true, rows: 40 } });
  });

  test('with more partitions is begun anew on those that were replaced, and the new ones go on', async ({
    place,
    signal,
  }) => {
    const subject = await begun(place, signal, { partitions: 2 });
    const { commands } = subject;
    await subject.replace(3);
    await subject.publish(3);
    await commands.run('checkpoint');
    expect(await commands.run('checkpoint')).toMatchObject({ code: 4, answer: { halted: [0, 1] } });
    await commands.run('pause');
    const planned = await commands.run('offsets', 'set', '--to', 'earliest');
    expect(planned).toMatchObject({
      code: 0,
      answer: { partitions: [{ partition: 0 }, { partition: 1 }] },
    });
    await beginAnew(subject);
    expect(await subject.rows()).toBe(50);
    expect(await commands.run('audit')).toMatchObject({ code: 0, answer: { exact: true, rows: 50 } });
  });

  test('with fewer partitions says what to do, which works', async ({ place, signal }) => {
    const subject = await begun(place, signal, { partitions: 2 });
    const { commands, path } = subject;
    await subject.replace(1);
    await subject.publish(1);
    const shrunk = {
      code: 'PH_TOPIC_SHRUNK',
      nextStep: expect.stringContaining('update-partitioned-topic'),
    };
    for (const words of [['checkpoint'], ['run'], ['offsets', 'set', '--to', 'earliest']]) {
      expect(await commands.run(...words), words[0]).toMatchObject({ code: 1, answer: { error: shrunk } });
    }
    await place.admin('PUT', `${path}-partition-0/unload`);
    await place.admin('POST', `${path}-partition-0/trim`);
    await place.admin('POST', `${path}/partitions`, 2);
    await beginAnew(subject);
    expect(await subject.rows()).toBe(30);
    expect(await commands.run('audit')).toMatchObject({ code: 0, answer: { exact: true, rows: 30 } });
  });
});

test('a subscription that is gone is named by doctor, and made again by the checkpoint that says so once', async ({
  place,
  signal,
}) => {
  const subject = await begun(place, signal, { partitions: 2 });
  const { commands, path } = subject;
  await place.admin('DELETE', `${path}-partition-1/subscription/pulsehouse-events?force=true`);
  const sick = await commands.run('doctor');
  expect(sick.code).toBe(1);
  expect(JSON.stringify(sick.answer)).toContain('no subscription \\"pulsehouse-events\\" for partition 1');
  await subject.publish(2);
  const missed = await commands.run('checkpoint');
  const again = missed.code === 0 ? await commands.run('checkpoint') : missed;
  expect(again).toMatchObject({
    code: 1,
    answer: { error: { code: 'PH_PULSAR_SUBSCRIPTION_MISSING', where: { partition: 1 } } },
  });
  expect(await commands.run('doctor')).toMatchObject({ code: 0 });
  expect(await commands.run('checkpoint')).toMatchObject({ code: 0 });
  expect(await commands.run('audit')).toMatchObject({ code: 0, answer: { exact: true, rows: 40 } });
});
