import { drain } from './drain.ts';
import type { Blow } from './faults.ts';
import { FunctionProcess } from './function-process.ts';
import { isOfCycle, type Point } from './points.ts';
import { strike, wakeZombie } from './strike.ts';
import { ENTRIES, type World } from './world.ts';

const LOOK_EVERY = 20;

/** A function is held at the point, the fault strikes, others take over. Answers the seconds until rows flow again. */
export async function playBlow(world: World, point: Point, fault: Blow): Promise<number> {
  const inCycle = isOfCycle(point);
  await world.publish(ENTRIES);
  if (inCycle) await drain(world);
  const partition = inCycle ? undefined : 0;
  const victim =
    partition === undefined
      ? FunctionProcess.checkpoint(world, point)
      : FunctionProcess.consume(world, partition, point);
  await victim.atPoint();
  if (inCycle) await world.publish(ENTRIES);
  const standing = await world.rows(partition);
  const struckAt = performance.now();
  const heal = await strike(world, fault, victim);
  const over = new AbortController();
  const flowing = firstRows(world, { partition, rows: standing.rows }, struckAt, over.signal);
  try {
    await Promise.all([drain(world), heal()]);
  } finally {
    over.abort();
  }
  const recoverySeconds = await flowing;
  if (fault.on === 'function' && fault.what === 'stop') wakeZombie(victim);
  await victim.ended;
  return recoverySeconds;
}

interface Standing {
  readonly partition: number | undefined;
  readonly rows: number;
}

/** Seconds until the table holds more rows than stood there. A server that is down answers nothing, which is waiting too. */
async function firstRows(
  world: World,
  standing: Standing,
  since: number,
  over: AbortSignal,
): Promise<number> {
  for (let last = false; ; last = over.aborted) {
    const counted = await world.rows(standing.partition).catch(() => undefined);
    if (last || (counted && counted.rows > standing.rows)) return (performance.now() - since) / 1000;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
  }
}
