import { type Audited, auditExactly } from './audit.ts';
import type { Fault } from './faults.ts';
import { FunctionProcess } from './function-process.ts';
import { CHECKPOINT_POINTS, type Point } from './points.ts';
import { strike, wakeZombie } from './strike.ts';
import { PARTITIONS, type World } from './world.ts';

export interface Round {
  readonly point: Point;
  readonly fault: Fault;
}

export interface RoundResult extends Round {
  readonly lost: number;
  readonly doubled: number;
  /** From the fault until rows flow again: those of the victim's partition, where it has one. */
  readonly recoverySeconds: number;
  readonly audited: Audited;
}

const ENTRIES = 30;
const LOOK_EVERY = 20;

/**
 * One fault at one point: a function is held there, the fault strikes, others take over, a zombie wakes, everything is
 * drained and checkpointed, and the table is held against what was published: the count of all of it, and an audit of
 * what came after `audited`.
 * @throws Error when a function that should have succeeded did not, or the audit is not exact.
 */
export async function playRound(
  world: World,
  { point, fault }: Round,
  audited?: Audited,
): Promise<RoundResult> {
  const inCycle = (CHECKPOINT_POINTS as readonly Point[]).includes(point);
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
  await drain(world);
  await FunctionProcess.checkpoint(world).succeeded();
  const audit = await auditExactly(world, audited);
  const { rows, distinct } = await world.rows();
  return {
    point,
    fault,
    lost: world.published - distinct,
    doubled: rows - distinct,
    recoverySeconds,
    audited: audit,
  };
}

async function drain(world: World): Promise<void> {
  const consumers = Array.from({ length: PARTITIONS }, (_, partition) =>
    FunctionProcess.consume(world, partition),
  );
  await Promise.all(consumers.map((consumer) => consumer.succeeded()));
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
