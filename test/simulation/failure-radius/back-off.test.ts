import { expect, test } from 'vitest';
import { nextTryOf } from '../../../lib/pipeline/progress.ts';
import type { World } from '../world.ts';
import { calmWorld, MINUTE, pass } from './calm-world.ts';

const PARTITIONS = 12;

/** A cycle a minute, and how many consumers each started. */
async function minutes(world: World, count: number, starts: number[]): Promise<readonly number[]> {
  const begun: number[] = [];
  for (let minute = 0; minute < count; minute += 1) {
    const before = starts.length;
    world.startCycle();
    await pass(world, MINUTE);
    begun.push(starts.length - before);
  }
  return begun;
}

function watched(): { readonly world: World; readonly starts: number[] } {
  const world = calmWorld(PARTITIONS);
  const starts: number[] = [];
  const start = world.startConsumer.bind(world);
  world.startConsumer = (partition) => {
    starts.push(partition);
    start(partition);
  };
  for (let partition = 0; partition < PARTITIONS; partition += 1) world.publish(partition);
  return { world, starts };
}

const stored = ({ table, broker, pipeline }: World) =>
  table
    .partitions(pipeline.name)
    .filter(({ partition, committed }) => {
      const newest = broker.partitions[partition]?.entries.at(-1)?.position;
      return newest?.ledger === committed.ledger && newest.entry === committed.entry;
    })
    .map(({ partition }) => partition);

test('while ClickHouse is down fewer and fewer consumers are started, and all within one cycle of its return', async () => {
  const { world, starts } = watched();
  world.clickhouse.link.up = false;
  const begun = await minutes(world, 60, starts);
  // A restart of a minute or two costs nobody a wait.
  expect(begun.slice(0, 3)).toEqual([PARTITIONS, PARTITIONS, PARTITIONS]);
  expect(Math.min(...begun)).toBe(1);
  const quarter = begun.slice(-15).reduce((sum, count) => sum + count, 0);
  expect(quarter).toBeLessThanOrEqual(2 * PARTITIONS + 15);
  const { failedTries } = world.table.partitions(world.pipeline.name)[0] ?? {};
  expect(failedTries?.count).toBeGreaterThan(3);

  world.clickhouse.link.up = true;
  await minutes(world, 1, starts);
  expect(stored(world)).toEqual(Array.from({ length: PARTITIONS }, (_, partition) => partition));
});

test('one that cannot succeed keeps no other one waiting: which one is tried is left to chance', async () => {
  const { world, starts } = watched();
  world.clickhouse.link.up = false;
  await minutes(world, 20, starts);
  world.clickhouse.link.up = true;
  const start = world.startConsumer.bind(world);
  // Its consumers end at once and leave no trace, as those of a function that runs out of memory.
  world.startConsumer = (partition) => {
    if (partition !== 0) start(partition);
  };
  await minutes(world, 5, starts);
  expect(stored(world)).toEqual(Array.from({ length: PARTITIONS - 1 }, (_, at) => at + 1));
});

test('a partition waits one interval, then two, four and so on, at most a quarter of an hour', () => {
  const tries = (count: number) => ({
    halted: undefined,
    failedTries: { count, at: 0, since: 0, code: 'PH_X', message: '', nextStep: '', position: undefined },
  });
  const waits = [1, 2, 3, 4, 5, 6, 7, 8, 1_000].map((count) => nextTryOf(tries(count), MINUTE));
  expect(waits).toEqual([undefined, undefined, ...[1, 2, 4, 8, 15, 15, 15].map((count) => count * MINUTE)]);
  expect(nextTryOf(tries(9), 60 * MINUTE)).toBe(60 * MINUTE);
});
