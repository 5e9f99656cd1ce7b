import { newCycleState } from '../../../lib/pipeline/cycle-transitions.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import { Random } from '../random.ts';
import { drawScenario } from '../scenario.ts';
import { Scheduler } from '../scheduler.ts';
import { World } from '../world.ts';

export const MINUTE = 60_000;

/** A world without faults, and a pipeline that has taken in no partition yet. */
export function calmWorld(partitions: number): World {
  const random = new Random(1);
  const faults = new Set<never>();
  const scenario = { ...drawScenario(faults, random), partitions, invocationLasts: 2 * MINUTE };
  const scheduler = new Scheduler(random);
  const world = new World({ scheduler, random, scenario, faults, log: silentLog, mutation: undefined });
  for (let partition = 0; partition < partitions; partition += 1) world.broker.addPartition(1);
  const { name } = scenario.pipeline;
  world.table
    .cycle(name)
    .create(newCycleState({ pipeline: name, generation: 'g1', partitions: 0, writeId: 'w0' }));
  return world;
}

export const pass = (world: World, milliseconds: number) =>
  world.scheduler.run(world.scheduler.now + milliseconds, () => false);
