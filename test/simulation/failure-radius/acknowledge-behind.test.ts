import { describe, expect, test } from 'vitest';
import { newCycleState } from '../../../lib/pipeline/cycle-transitions.ts';
import type { CheckpointPolicy } from '../../../lib/pipeline/pipeline.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import { Random } from '../random.ts';
import { drawScenario } from '../scenario.ts';
import { Scheduler } from '../scheduler.ts';
import { World } from '../world.ts';

const KEPT = 4;
const TICK = 60_000;
const TICKS = 24;

/** Where acknowledgement stands after some checkpoints, one a minute, with something new in each. */
async function acknowledgedAfterTicks(acknowledgeBehind: CheckpointPolicy['acknowledgeBehind']) {
  const random = new Random(1);
  const faults = new Set<never>();
  const drawn = drawScenario(faults, random);
  const { pipeline } = drawn;
  const checkpoint = { ...pipeline.checkpoint, flushTimeout: 8_000, snapshotsKept: KEPT, acknowledgeBehind };
  const scenario = { ...drawn, partitions: 1, pipeline: { ...pipeline, checkpoint } };
  const scheduler = new Scheduler(random);
  const world = new World({ scheduler, random, scenario, faults, log: silentLog, mutation: undefined });
  world.broker.addPartition(1);
  const cycle = world.table.cycle(pipeline.name);
  cycle.create(newCycleState({ pipeline: pipeline.name, generation: 'g1', partitions: 0, writeId: 'w0' }));
  for (let tick = 0; tick < TICKS; tick += 1) {
    world.publish(0);
    world.startCycle();
    await scheduler.run(scheduler.now + TICK, () => false);
  }
  const { latest = 0, acknowledged = 0 } = cycle.value ?? {};
  return { latest, behind: latest - acknowledged, kept: world.wholeSnapshots.length };
}

describe('acknowledgement trails as far as it is asked to, whatever the number of snapshots kept', () => {
  test.each([0, 1, KEPT - 1, KEPT, KEPT + 1, 3 * KEPT])('by %i checkpoints', async (checkpoints) => {
    const { latest, behind, kept } = await acknowledgedAfterTicks({ checkpoints, age: 0 });
    expect(latest).toBeGreaterThan(20);
    expect(behind).toBe(checkpoints);
    expect(kept).toBe(Math.max(KEPT, checkpoints + 1));
  });

  test.each([2, KEPT, 2 * KEPT])('by %i minutes', async (minutes) => {
    const { latest, behind } = await acknowledgedAfterTicks({ checkpoints: 0, age: minutes * TICK });
    expect(latest).toBeGreaterThan(20);
    expect(Math.abs(behind - minutes)).toBeLessThanOrEqual(1);
  });
});
