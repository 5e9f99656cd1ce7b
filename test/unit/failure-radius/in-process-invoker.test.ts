import { expect, it } from 'vitest';
import { InProcessInvoker } from '../../../lib/cli/in-process-invoker.ts';
import { silentLog } from '../../support/events-pipeline.ts';

it('40 partitions whose consumers never end are all served when none has to wait for another', async () => {
  const over = new AbortController();
  const begun = new Set<number>();
  const follow = (partition: number) =>
    new Promise<boolean>((resolve) => {
      begun.add(partition);
      over.signal.addEventListener('abort', () => resolve(false), { once: true });
    });
  const invoker = new InProcessInvoker(follow, Number.POSITIVE_INFINITY, silentLog);
  for (let partition = 0; partition < 40; partition += 1) await invoker.invoke('events', partition);
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun.size).toBe(40);
  over.abort();
  await invoker.idle();
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
