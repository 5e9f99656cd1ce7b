import { setTimeout as sleep } from 'node:timers/promises';
import { drain, EVERY_PARTITION } from './drain.ts';
import type { Outage } from './faults.ts';
import { FunctionProcess } from './function-process.ts';
import { isOfCycle, type Point } from './points.ts';
import { ENTRIES, PARTITIONS, type World } from './world.ts';

/** What strikes a partition or a function alone strikes this one, and the others must go on. */
const STRUCK = 0;
const OTHERS = EVERY_PARTITION.filter((partition) => partition !== STRUCK);

const LOOK_EVERY = 100;
const PATIENCE = 60_000;
/** Invocations that a schedule starts while a right is missing. */
const DENIED_INVOCATIONS = 2;
/** A refusal is not asked again. At most a batch, the look at the cycle, a renewal and giving the lease back are under way. */
const MOST_DENIED = 8;
const MOST_DENIED_AT_START = 2;

/**
 * Answers the seconds from the end of the outage until whoever it struck is done.
 * @throws Error when a part that it does not concern did not go on, or what it struck did not do as it should.
 */
export function playOutage(world: World, point: Point, fault: Outage): Promise<number> {
  switch (fault.on) {
    case 'partition':
      return partitionAway(world, point, fault.what);
    case 'password':
      return passwordRotated(world, point);
    case 'rights':
      return rightsDenied(world, point);
  }
}

/**
 * The topic of one partition cannot be opened. Meanwhile everything published to the others is stored and acknowledged, and
 * nobody does anything for it to go on afterwards.
 */
async function partitionAway(world: World, point: Point, how: 'silent' | 'refused'): Promise<number> {
  const victim = await heldVictim(world, point, {});
  await world.closeTopic(STRUCK, how);
  await world.publish(ENTRIES);
  victim.goOn();
  const struck = FunctionProcess.consume(world, STRUCK);
  await drain(world, OTHERS);
  for (const partition of OTHERS) expectRows(await world.rows(partition), world, 'all');
  const cycle = FunctionProcess.checkpoint(world);
  for (const partition of OTHERS) await isAcknowledged(world, partition);
  expectRows(await world.rows(STRUCK), world, 'some');
  world.reopenTopic();
  return secondsUntil(Promise.all([victim.succeeded(), struck.succeeded(), cycle.succeeded()]));
}

/** The invocation whose inserts are refused fetches the new password by itself and goes on. */
async function passwordRotated(world: World, point: Point): Promise<number> {
  await world.user.rotate();
  const victim = await heldVictim(world, point, world.user.environment);
  await world.user.rotate();
  victim.goOn();
  const seconds = await secondsUntil(victim.succeeded());
  if (!victim.hasSaid('secrets fetched anew'))
    throw new Error(`no insert met the new password:\n${victim.log()}`);
  return seconds;
}

/**
 * One function may no longer use the state table. Each of its invocations ends at the first refusals, the other functions
 * do their work, and with the right given back it goes on.
 */
async function rightsDenied(world: World, point: Point): Promise<number> {
  const { rights } = world;
  const isCycle = isOfCycle(point);
  const start = () =>
    isCycle
      ? FunctionProcess.checkpoint(world, undefined, rights.environment)
      : FunctionProcess.consume(world, STRUCK, undefined, rights.environment);
  const victim = await heldVictim(world, point, rights.environment);
  rights.gate.deny();
  victim.goOn();
  await expectDenied(world, victim, MOST_DENIED);
  for (let n = 0; n < DENIED_INVOCATIONS; n += 1) {
    rights.gate.deny();
    await expectDenied(world, start(), MOST_DENIED_AT_START);
  }
  await drain(world, OTHERS);
  await (isCycle ? FunctionProcess.consume(world, STRUCK) : FunctionProcess.checkpoint(world)).succeeded();
  rights.gate.grant();
  return secondsUntil(start().succeeded());
}

async function expectDenied({ rights }: World, denied: FunctionProcess, most: number): Promise<void> {
  const log = await denied.failed();
  if (!log.includes('AccessDenied'))
    throw new Error(`it failed otherwise than by the missing right:\n${log}`);
  if (rights.gate.denied > most)
    throw new Error(`one invocation asked ${rights.gate.denied} times for what it is denied:\n${log}`);
}

async function heldVictim(
  world: World,
  point: Point,
  environment: Readonly<Record<string, string>>,
): Promise<FunctionProcess> {
  await world.publish(ENTRIES);
  if (isOfCycle(point)) await drain(world);
  const victim = isOfCycle(point)
    ? FunctionProcess.checkpoint(world, point, environment)
    : FunctionProcess.consume(world, STRUCK, point, environment);
  await victim.atPoint();
  return victim;
}

function expectRows({ distinct }: { readonly distinct: number }, world: World, wanted: 'all' | 'some'): void {
  const published = world.published / PARTITIONS;
  if ((distinct === published) !== (wanted === 'all'))
    throw new Error(`${distinct} of ${published} rows of a partition stand where ${wanted} should`);
}

async function isAcknowledged(world: World, partition: number): Promise<void> {
  const until = performance.now() + PATIENCE;
  while (!(await world.isAcknowledged(partition))) {
    if (performance.now() > until)
      throw new Error(`partition ${partition} was not acknowledged while partition ${STRUCK} was away`);
    await sleep(LOOK_EVERY);
  }
}

async function secondsUntil(done: Promise<unknown>): Promise<number> {
  const since = performance.now();
  await done;
  return (performance.now() - since) / 1000;
}
