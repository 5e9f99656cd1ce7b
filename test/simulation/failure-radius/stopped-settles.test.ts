import { expect, test } from 'vitest';
import { consume } from '../../../lib/consume/consume.ts';
import { calmWorld, MINUTE, pass } from './calm-world.ts';

test('a consumer that is stopped before it begins settles what is in flight and pulls nothing: a cancelled replay ends by it', async () => {
  const world = calmWorld(1);
  const { name } = world.pipeline;
  const state = () => world.table.partition(name, 0).value;
  world.startCycle();
  await pass(world, MINUTE);
  world.publish(0);
  world.clickhouse.faults = { ...world.clickhouse.faults, slowInsert: 1, slowInsertUpTo: MINUTE };
  world.startConsumer(0);
  while ((state()?.inFlight.length ?? 0) === 0) await pass(world, 100);
  world.outage(1, 0);
  await pass(world, 2 * MINUTE);
  world.publish(0);
  const { seq = 0, committed: before } = state() ?? {};

  const invocation = world.newInvocation('stopped', false);
  let over = false;
  const consumed = consume(world.ports(invocation), {
    ...{ partition: 0, owner: invocation.name, deadline: invocation.now() + MINUTE, until: 'drained' },
    stop: AbortSignal.abort(),
  }).finally(() => {
    over = true;
  });
  while (!over) await pass(world, 1_000);
  expect(await consumed).toMatchObject({ outcome: 'stopped' });
  expect(state()).toMatchObject({ inFlight: [], seq });
  expect(state()?.committed).not.toEqual(before);
});
