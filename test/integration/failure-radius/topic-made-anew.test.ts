import { describe, expect } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { runCycle } from '../../../lib/checkpoint/cycle.ts';
import { diagnoseSubscriptions } from '../../../lib/cli/subscription-diagnosis.ts';
import { consume } from '../../../lib/consume/consume.ts';
import { pause, resumePipeline } from '../../../lib/replay/pause.ts';
import { readLedgers } from '../../../lib/replay/replay/plan.ts';
import { earliestPositions } from '../../../lib/replay/reset/earliest.ts';
import { planReset, reset } from '../../../lib/replay/reset/reset.ts';
import { readStatus } from '../../../lib/replay/status.ts';
import { createTopic, publishEvents } from '../../support/events.ts';
import { type Place, test } from '../../support/place.ts';
import { byHand, openSubject, soon } from '../replay/subject.ts';

/** A pipeline that has stored and acknowledged ten messages of each partition. */
async function begun(place: Place, partitions = 1) {
  const opened = await openSubject(place, partitions);
  const { dependencies, pipeline } = opened;
  let published = 0;
  const publish = async (to: number) => {
    for (let partition = 0; partition < to; partition += 1) {
      const publication = { entries: 1, messagesAnEntry: 10, from: published };
      published = await publishEvents(
        place.environment,
        `${pipeline.topic}-partition-${partition}`,
        publication,
      );
    }
  };
  const request = () => ({ owner: environment.uniqueId(), deadline: soon() });
  /** With the consumers it starts, to their end. */
  const cycle = async () => {
    const started: Promise<unknown>[] = [];
    const invoker = {
      invoke: async (_: string, partition: number) =>
        void started.push(consume(dependencies, { ...request(), partition, until: 'drained' })),
    };
    try {
      return await runCycle({ ...dependencies, invoker }, request());
    } finally {
      await Promise.all(started);
    }
  };
  /** `offsets set --to earliest`. */
  const earliest = async () => {
    const states = (await readLedgers(dependencies, undefined, soon())).map(({ state }) => state);
    return earliestPositions(dependencies, { states, named: false }, soon());
  };
  const beginAnew = async () => {
    await pause(dependencies, byHand());
    const moves = { reason: 'offsets', positions: await earliest() } as const;
    await planReset(dependencies, moves, soon());
    await reset(dependencies, moves, byHand());
    await resumePipeline(dependencies, byHand());
    await cycle();
  };
  const path = pipeline.topic.replace('://', '/');
  const replace = async (to: number) => {
    await place.admin('DELETE', `${path}/partitions?force=true`);
    await createTopic(place.environment, pipeline.topic, to);
  };
  await publish(partitions);
  await cycle();
  await cycle();
  return { ...opened, cycle, publish, path, replace, earliest, beginAnew };
}

describe('a topic deleted and made anew', () => {
  test('keeps what arrives while its partition is halted, and all of it is stored in the end', async ({
    place,
  }) => {
    const subject = await begun(place);
    const { path } = subject;
    await subject.replace(1);
    await subject.publish(1);
    await subject.cycle();
    // Each unload closes a ledger, and a broker deletes the closed ones that no subscription holds.
    for (let unload = 0; unload < 2; unload += 1) {
      await place.admin('PUT', `${path}-partition-0/unload`);
      await subject.publish(1);
    }
    await place.admin('POST', `${path}-partition-0/trim`);
    expect(await subject.cycle()).toMatchObject({ halted: [0] });
    await subject.beginAnew();
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 40, drained: true });
    expect(await subject.count('1')).toBe(40);
    await subject.close();
  });

  test('with more partitions is begun anew on those that were replaced, and the new ones go on', async ({
    place,
  }) => {
    const subject = await begun(place, 2);
    await subject.replace(3);
    await subject.publish(3);
    await subject.cycle();
    expect(await subject.cycle()).toMatchObject({ halted: [0, 1] });
    expect([...(await subject.earliest()).keys()]).toEqual([0, 1]);
    await subject.beginAnew();
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 50, drained: true });
    expect(await subject.count('1')).toBe(50);
    await subject.close();
  });

  test('with fewer partitions says what to do, which works', async ({ place }) => {
    const subject = await begun(place, 2);
    const { path } = subject;
    await subject.replace(1);
    await subject.publish(1);
    const shrunk = {
      code: 'PH_TOPIC_SHRUNK',
      nextStep: expect.stringContaining(`update-partitioned-topic ${subject.pipeline.topic} --partitions 2`),
    };
    await expect(subject.cycle()).rejects.toMatchObject(shrunk);
    await expect(subject.earliest()).rejects.toMatchObject(shrunk);
    expect(await readStatus(subject.dependencies, soon())).toMatchObject({
      partitions: [{ partition: 0 }, { partition: 1 }],
      unknown: [{ partition: 1, code: 'PH_PULSAR_TOPIC_NOT_FOUND' }],
    });
    await place.admin('PUT', `${path}-partition-0/unload`);
    await place.admin('POST', `${path}-partition-0/trim`);
    await place.admin('POST', `${path}/partitions`, 2);
    await subject.beginAnew();
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 30, drained: true });
    expect(await subject.count('1')).toBe(30);
    await subject.close();
  });
});

test('a subscription that is gone is named by doctor, and made again by the checkpoint that says so once', async ({
  place,
}) => {
  const subject = await begun(place, 2);
  const { dependencies, pipeline } = subject;
  await place.admin('DELETE', `${subject.path}-partition-1/subscription/${pipeline.subscription}?force=true`);
  expect(await diagnoseSubscriptions(dependencies, soon())).toMatchObject([
    { verdict: 'wrong', message: expect.stringContaining('for partition 1, and') },
  ]);
  await subject.publish(2);
  await subject.consumeAll();
  await expect(subject.cycle()).rejects.toMatchObject({
    code: 'PH_PULSAR_SUBSCRIPTION_MISSING',
    where: { partition: 1 },
  });
  expect(await diagnoseSubscriptions(dependencies, soon())).toMatchObject([{ verdict: 'good' }]);
  await subject.cycle();
  expect(await subject.audit()).toMatchObject({ exact: true, rows: 40, drained: true });
  await subject.close();
});
