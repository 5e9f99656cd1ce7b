import { expect, test } from 'vitest';
import { newCycleState } from '../../../lib/pipeline/cycle-transitions.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import { Random } from '../random.ts';
import { drawScenario } from '../scenario.ts';
import { Scheduler } from '../scheduler.ts';
import { World } from '../world.ts';

const MINUTE = 60_000;

test('what stood in the topic when a following consumer began is stored at once; what comes later waits for company', async () => {
  const random = new Random(1);
  const faults = new Set<never>();
  const drawn = drawScenario(faults, random);
  const pipeline = {
    ...drawn.pipeline,
    consume: { ...drawn.pipeline.consume, mode: 'follow' as const },
    batch: { ...drawn.pipeline.batch, maxWait: 10 * MINUTE, maxRows: 1_000 },
  };
  const scenario = { ...drawn, pipeline, partitions: 1, invocationLasts: 30 * MINUTE };
  const scheduler = new Scheduler(random);
  const world = new World({ scheduler, random, scenario, faults, log: silentLog, mutation: undefined });
  world.broker.addPartition(1);
  const { name } = pipeline;
  world.table
    .cycle(name)
    .create(newCycleState({ pipeline: name, generation: 'g1', partitions: 0, writeId: 'w0' }));
  const pass = (milliseconds: number) => scheduler.run(scheduler.now + milliseconds, () => false);
  world.startCycle();
  await pass(60 * MINUTE);
  expect(world.table.partition(name, 0).value?.owner).toBeUndefined();

  for (let entry = 0; entry < 3; entry += 1) world.publish(0);
  world.startConsumer(0);
  await pass(MINUTE);
  const stored = world.clickhouse.rows.length;
  expect(stored).toBeGreaterThanOrEqual(3);

  world.publish(0);
  await pass(MINUTE);
  expect(world.clickhouse.rows.length).toBe(stored);
  await pass(15 * MINUTE);
  expect(world.clickhouse.rows.length).toBeGreaterThan(stored);
});
