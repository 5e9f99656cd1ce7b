import { expect, test } from 'vitest';
import { runCycle } from '../../../lib/checkpoint/cycle.ts';
import { newCycleState } from '../../../lib/pipeline/cycle-transitions.ts';
import type { Log } from '../../../lib/ports/log.ts';
import { Random } from '../random.ts';
import { drawScenario } from '../scenario.ts';
import { Scheduler } from '../scheduler.ts';
import { World } from '../world.ts';

const MINUTE = 60_000;

function calmWorld(partitions: number) {
  const warnings: string[] = [];
  const log: Log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (message) => warnings.push(message),
    error: () => undefined,
    with: () => log,
  };
  const random = new Random(1);
  const faults = new Set<never>();
  const scenario = { ...drawScenario(faults, random), partitions, invocationLasts: 2 * MINUTE };
  const scheduler = new Scheduler(random);
  const world = new World({ scheduler, random, scenario, faults, log, mutation: undefined });
  for (let partition = 0; partition < partitions; partition += 1) world.broker.addPartition(1);
  const { name } = world.pipeline;
  world.table
    .cycle(name)
    .create(newCycleState({ pipeline: name, generation: 'g1', partitions: 0, writeId: 'w0' }));
  const pass = () => scheduler.run(scheduler.now + 3 * MINUTE, () => false);
  return { world, warnings, pass };
}

test('while ClickHouse refuses, a checkpoint says that nothing could be stored', async () => {
  const { world, warnings, pass } = calmWorld(2);
  world.publish(0);
  world.clickhouse.link.up = false;
  // The consumer of the first one may still try when its checkpoint is taken.
  for (let cycle = 0; cycle < 2; cycle += 1) {
    warnings.length = 0;
    world.startCycle();
    await pass();
  }
  expect(warnings.join('\n')).toContain('1 partitions could not store what there is');
});

test('a partition that waits for a consumer to have time is no laggard; one whose consumer does not flush is', async () => {
  const { world, warnings, pass } = calmWorld(2);
  for (const partition of [0, 1]) world.publish(partition);
  const invocation = world.newInvocation('cycle', false);
  const invoker = { invoke: async () => undefined, isWaiting: (partition: number) => partition === 1 };
  const cycle = runCycle(
    { ...world.ports(invocation), invoker },
    { owner: invocation.name, deadline: invocation.now() + MINUTE },
  );
  await pass();
  expect(await cycle).toMatchObject({ outcome: 'completed', laggards: [0] });
  expect(warnings.filter((line) => line.includes('1 partitions did not flush in time'))).toHaveLength(1);
});
