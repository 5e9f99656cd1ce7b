import { type Audited, auditExactly } from './audit.ts';
import { playBlow } from './blow.ts';
import { drain } from './drain.ts';
import { type Fault, isOutage } from './faults.ts';
import { FunctionProcess } from './function-process.ts';
import { playOutage } from './outage.ts';
import type { Point } from './points.ts';
import type { World } from './world.ts';

export interface Round {
  readonly point: Point;
  readonly fault: Fault;
}

export interface RoundResult extends Round {
  readonly lost: number;
  readonly doubled: number;
  /**
   * From a blow until rows flow again: those of the victim's partition, where it has one. From the end of an outage until
   * what it struck is done.
   */
  readonly recoverySeconds: number;
  readonly audited: Audited;
}

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
  const recoverySeconds = isOutage(fault)
    ? await playOutage(world, point, fault)
    : await playBlow(world, point, fault);
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
