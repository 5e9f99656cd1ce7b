import { expect, test } from 'vitest';
import { runCycle } from '../../../lib/checkpoint/cycle.ts';
import { partitionItem } from '../../../lib/leases/items.ts';
import { whileRenewed } from '../../../lib/leases/keep-renewed.ts';
import { takeLease } from '../../../lib/leases/lease.ts';
import { partitionState } from '../../contract/state-store/states.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import { Calm } from '../contract/driven.ts';
import { SimulatedStateStore } from '../fakes/state-store.ts';
import { StateTable } from '../fakes/state-table.ts';
import { calmWorld, MINUTE, pass } from './calm-world.ts';

test('while S3 does not answer no checkpoint completes, and rows are stored all the same', async () => {
  const world = calmWorld(2);
  world.startCycle();
  await pass(world, MINUTE);
  world.bucket.link.up = false;
  world.publish(0);
  world.publish(1);
  const rows = world.clickhouse.rows.length;
  world.startCycle();
  await pass(world, 2 * MINUTE);
  expect(world.clickhouse.rows.length).toBeGreaterThan(rows);
});

test('a cycle that needs minutes to start its consumers keeps its lease, and completes its checkpoint', async () => {
  const world = calmWorld(3);
  const { name } = world.pipeline;
  for (const partition of [0, 1, 2]) world.publish(partition);
  const invocation = world.newInvocation('slow cycle', false);
  const invoker = { invoke: () => invocation.environment.sleep(MINUTE) };
  let over = false;
  const cycle = runCycle(
    { ...world.ports(invocation), invoker },
    { owner: invocation.name, deadline: invocation.now() + 5 * MINUTE },
  ).finally(() => {
    over = true;
  });
  const left: number[] = [];
  while (!over) {
    await pass(world, 1_000);
    const state = world.table.cycle(name).value;
    if (state?.owner !== undefined) left.push(state.leaseUntil - world.scheduler.now);
  }
  expect(await cycle).toMatchObject({ outcome: 'completed', invoked: [0, 1, 2] });
  expect(left.length).toBeGreaterThan(50);
  expect(Math.min(...left)).toBeGreaterThan(0);
});

test('whoever lives has always more than a third of its lease left, and renews it once however many ask', async () => {
  const calm = new Calm();
  const duration = 15_000;
  const table = new StateTable(calm.link());
  table.partition('iot', 0).create(partitionState('iot'));
  let writes = 0;
  table.onPartitionWritten = () => {
    writes += 1;
  };
  const { environment } = calm.invocation;
  const store = new SimulatedStateStore(calm.invocation, table);
  const terms = { owner: 'me', duration, deadline: environment.now() + 10 * MINUTE };
  const left: number[] = [];
  let over = false;
  const working = takeLease(partitionItem(store, 'iot', 0), terms, environment)
    .then(async (taken) => {
      if (!taken.taken) throw new Error('nobody else is there');
      const { lease } = taken;
      await whileRenewed({ environment, log: silentLog }, lease, duration, async () => {
        for (let at = 0; at < 5 * MINUTE; at += 100) {
          await environment.sleep(100);
          left.push(lease.state.leaseUntil - environment.now());
        }
      });
      await environment.sleep(duration / 2);
      const before = writes;
      await Promise.all(Array.from({ length: 32 }, () => lease.renewIfDue()));
      return writes - before;
    })
    .finally(() => {
      over = true;
    });
  await calm.scheduler.run(Number.POSITIVE_INFINITY, () => over);
  expect(await working).toBe(1);
  expect(Math.min(...left)).toBeGreaterThan(duration / 3);
});
