import { expect, it } from 'vitest';
import { Alarm } from '../../../lib/pulsar/wire/consumer/alarm.ts';

interface Sleep {
  readonly at: number;
  readonly signal: AbortSignal | undefined;
  end(): void;
}

function subject() {
  const clock = { now: 0 };
  const sleeps: Sleep[] = [];
  const rings: number[] = [];
  const environment = {
    now: () => clock.now,
    sleep: (milliseconds: number, signal?: AbortSignal) =>
      new Promise<void>((end) => {
        sleeps.push({ at: clock.now + milliseconds, signal, end });
        signal?.addEventListener('abort', () => end());
      }),
  };
  const alarm = new Alarm(environment, () => rings.push(clock.now));
  const passTo = async (now: number): Promise<void> => {
    clock.now = now;
    for (const sleep of sleeps) if (sleep.at <= now) sleep.end();
    await new Promise(setImmediate);
  };
  return { alarm, sleeps, rings, passTo };
}

it('rings once for many waits that end later, and again when it is set again', async () => {
  const { alarm, sleeps, rings, passTo } = subject();
  alarm.setWithin(100);
  await passTo(50);
  alarm.setWithin(100);
  await passTo(99);
  expect(rings).toEqual([]);
  await passTo(100);
  expect(rings).toEqual([100]);
  expect(sleeps).toHaveLength(1);
  alarm.setWithin(50);
  await passTo(150);
  expect(rings).toEqual([100, 150]);
});

it('rings earlier where a later wait ends earlier, and not at the time set before', async () => {
  const { alarm, sleeps, rings, passTo } = subject();
  alarm.setWithin(100);
  alarm.setWithin(10);
  await passTo(10);
  await passTo(200);
  expect(rings).toEqual([10]);
  expect(sleeps[0]?.signal?.aborted).toBe(true);
});

it('leaves no sleep behind when it is stopped', async () => {
  const { alarm, sleeps, rings, passTo } = subject();
  alarm.setWithin(100);
  alarm.stop();
  await passTo(200);
  expect(sleeps.map(({ signal }) => signal?.aborted)).toEqual([true]);
  expect(rings).toEqual([]);
});
