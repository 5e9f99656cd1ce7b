import { expect, test } from 'vitest';
import { calmWorld, MINUTE, pass } from './calm-world.ts';

/** Milliseconds one way, on every link. */
const ONE_WAY = 50;

test('a consumer waits for four answers one after the other before entries come, and skips no check', async () => {
  const world = calmWorld(1);
  world.startCycle();
  await pass(world, 2 * MINUTE);
  world.publish(0);
  const begun = world.scheduler.now;
  const trips: string[][] = [];
  for (const { link } of [world.table, world.bucket, world.broker, world.clickhouse]) {
    link.travel = () => ONE_WAY;
    const carry = link.carry.bind(link) as typeof link.carry;
    link.carry = (sender, label, serve, answer) => {
      const trip = Math.floor((world.scheduler.now - begun) / (2 * ONE_WAY));
      trips[trip] = [...(trips[trip] ?? []), label.replace(/^consumer 0 #\d+ /, '')];
      carry(sender, label, serve, answer);
    };
  }
  world.startConsumer(0);
  await pass(world, MINUTE);
  expect(trips.slice(0, 4)).toEqual([
    ['takes state 0'],
    ['reads cycle'],
    ['server clock', 'topic identity', 'last of topic-partition-0', 'token window', 'count'],
    ['opens a reader of topic-partition-0'],
  ]);
  // The entry takes its own way here.
  expect(trips[4]).toEqual([expect.stringMatching(/^writes state 0/)]);
  expect(trips[5]?.[0]).toMatch(/^insert/);
  expect(world.clickhouse.rows.length).toBeGreaterThan(0);
});
