import { expect, test } from 'vitest';
import type { RowRange } from '../../../lib/ports/sink.ts';
import { pause } from '../../../lib/replay/pause.ts';
import { reset } from '../../../lib/replay/reset/reset.ts';
import { dependencies } from '../operations.ts';
import { calmWorld, MINUTE, pass } from './calm-world.ts';

test('a removal of rows that takes minutes keeps the lease of its reset while cycles come, and is one for all partitions', async () => {
  const world = calmWorld(3);
  const { name } = world.pipeline;
  for (const partition of [0, 1, 2]) world.publish(partition);
  world.startCycle();
  await pass(world, MINUTE);

  const invocation = world.newInvocation('person', false);
  const byHand = { by: 'somebody', owner: invocation.name, deadline: invocation.now() + 60 * MINUTE };
  const given = dependencies(world, { invocation, ...byHand });
  const removals: (readonly RowRange[])[] = [];
  const table = {
    ...given.table,
    countByPartition: given.table.countByPartition.bind(given.table),
    deleteRows: async (ranges: readonly RowRange[], notAfter: number, deadline: number) => {
      removals.push(ranges);
      await given.table.deleteRows(ranges, notAfter, deadline);
      await invocation.environment.sleep(5 * MINUTE);
    },
  };
  const states = world.table.partitions(name);
  const positions = new Map(states.map(({ partition, committed }) => [partition, committed]));
  let over = false;
  const resetting = (async () => {
    await pause(given, byHand);
    await reset({ ...given, table }, { reason: 'offsets', positions }, byHand);
  })().finally(() => {
    over = true;
  });
  const left: number[] = [];
  while (!over) {
    world.startCycle();
    await pass(world, 10_000);
    const { owner, leaseUntil = 0 } = world.table.cycle(name).value ?? {};
    if (removals.length > 0 && owner?.startsWith(invocation.name))
      left.push(leaseUntil - world.scheduler.now);
  }
  await resetting;
  expect(removals.map((ranges) => ranges.map(({ partition }) => partition))).toEqual([[0, 1, 2]]);
  expect(left.length).toBeGreaterThan(20);
  expect(Math.min(...left)).toBeGreaterThan(0);
});
