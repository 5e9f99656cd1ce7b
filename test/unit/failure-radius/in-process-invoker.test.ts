import { expect, it } from 'vitest';
import { systemEnvironment } from '../../../lib/assembly/environment.ts';
import { InProcessInvoker } from '../../../lib/cli/in-process-invoker.ts';
import { silentLog } from '../../support/events-pipeline.ts';

const HOUR = 3_600_000;

it('40 partitions whose consumers never end are all served when none has to wait for another', async () => {
  const over = new AbortController();
  const begun = new Set<number>();
  const follow = async (partition: number) => {
    begun.add(partition);
    await systemEnvironment.sleep(HOUR, over.signal);
    return false;
  };
  const warned: Error[] = [];
  const onWarning = (warning: Error) => warned.push(warning);
  process.on('warning', onWarning);
  const invoker = new InProcessInvoker(follow, Number.POSITIVE_INFINITY, silentLog);
  for (let partition = 0; partition < 40; partition += 1) await invoker.invoke('events', partition);
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun.size).toBe(40);
  over.abort();
  await invoker.idle();
  process.off('warning', onWarning);
  expect(warned, 'all of them wait on one signal').toEqual([]);
});

it('a partition that is never empty lines up again behind those that wait', async () => {
  const order: number[] = [];
  let turnsOfBusy = 0;
  const turn = async (partition: number) => {
    order.push(partition);
    if (partition !== 0) return false;
    turnsOfBusy += 1;
    return turnsOfBusy < 3;
  };
  const invoker = new InProcessInvoker(turn, 1, silentLog);
  for (const partition of [0, 1, 2]) await invoker.invoke('events', partition);
  await invoker.idle();
  expect(order).toEqual([0, 1, 2, 0, 0]);
});

it('a partition that waits for others is told from one whose consumer is at work', async () => {
  let end = () => {};
  const first = new Promise<boolean>((resolve) => {
    end = () => resolve(false);
  });
  const invoker = new InProcessInvoker(async (partition) => partition === 0 && first, 1, silentLog);
  for (const partition of [0, 1]) await invoker.invoke('events', partition);
  await new Promise((resolve) => setImmediate(resolve));
  expect([0, 1].map((partition) => invoker.isWaiting(partition))).toEqual([false, true]);
  end();
  await invoker.idle();
  expect(invoker.isWaiting(1)).toBe(false);
});
