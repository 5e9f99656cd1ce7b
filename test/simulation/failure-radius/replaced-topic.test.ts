import { beforeEach, describe, expect, test } from 'vitest';
import { runCycle } from '../../../lib/checkpoint/cycle.ts';
import { newCycleState } from '../../../lib/pipeline/cycle-transitions.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import { Random } from '../random.ts';
import { drawScenario } from '../scenario.ts';
import { Scheduler } from '../scheduler.ts';
import { World } from '../world.ts';

const MINUTE = 60_000;
/** Ledgers of the topic made anew lie above those of the one before, as in one cluster they always do. */
const ABOVE = 5;

let world: World;
let troubles: string[];

beforeEach(async () => {
  const random = new Random(1);
  const faults = new Set<never>();
  const scenario = { ...drawScenario(faults, random), partitions: 3, invocationLasts: 2 * MINUTE };
  const scheduler = new Scheduler(random);
  world = new World({ scheduler, random, scenario, faults, log: silentLog, mutation: undefined });
  for (let partition = 0; partition < 3; partition += 1) world.broker.addPartition(1_001);
  const { name } = world.pipeline;
  world.table
    .cycle(name)
    .create(newCycleState({ pipeline: name, generation: 'g1', partitions: 0, writeId: 'w0' }));
  troubles = [];
  world.onTrouble = (code) => troubles.push(code);
  publish();
  await cycles(3);
  expect(troubles).toEqual([]);
});

function publish(): void {
  for (const partition of world.broker.partitions.keys()) world.publish(partition);
}

async function cycles(count: number): Promise<void> {
  for (let cycle = 0; cycle < count; cycle += 1) {
    world.startCycle();
    await world.scheduler.run(world.scheduler.now + 2 * MINUTE, () => false);
  }
}

const halts = () => world.table.partitions(world.pipeline.name).map(({ halted }) => halted?.code);
const kept = () => world.broker.partitions.map(({ entries }) => entries.length);

describe('a topic deleted and made anew', () => {
  test('is kept whole while its partitions are halted, whatever the broker would delete', async () => {
    world.broker.replaceTopic(ABOVE);
    publish();
    await cycles(1);
    expect(halts()).toEqual(Array(3).fill('PH_HALT_TOPIC_REPLACED'));
    publish();
    for (const partition of world.broker.partitions) partition.trim();
    expect(kept()).toEqual([2, 2, 2]);
    expect(troubles).toEqual([]);
  });

  test('is kept whole although the consumer that halted could not see to it', async () => {
    world.broker.replaceTopic(ABOVE);
    publish();
    await cycles(1);
    for (const partition of world.broker.partitions) partition.subscription = undefined;
    const [away] = world.broker.partitions;
    if (away) world.broker.takeAway(away);
    await cycles(1);
    expect(troubles).toEqual(['PH_PULSAR_TIMEOUT']);
    expect(world.broker.partitions.map(({ subscription }) => subscription !== undefined)).toEqual([
      false,
      true,
      true,
    ]);
    if (away) world.broker.bringBack(away);
    await cycles(1);
    for (const partition of world.broker.partitions) partition.trim();
    expect(kept()).toEqual([1, 1, 1]);
    expect(troubles).toHaveLength(1);
  });

  test('is kept whole while the pipeline is paused', async () => {
    world.broker.replaceTopic(ABOVE);
    publish();
    await cycles(1);
    const { table, pipeline } = world;
    const cycle = table.cycle(pipeline.name);
    if (cycle.value) cycle.value = { ...cycle.value, paused: true };
    for (const partition of world.broker.partitions) partition.subscription = undefined;
    await cycles(1);
    for (const partition of world.broker.partitions) partition.trim();
    expect(kept()).toEqual([1, 1, 1]);
  });

  test('with fewer partitions is not read, and kept whole', async () => {
    world.broker.replaceTopic(ABOVE);
    world.broker.partitions.pop();
    const rows = world.clickhouse.rows.length;
    publish();
    await cycles(2);
    expect(troubles).toEqual(['PH_TOPIC_SHRUNK', 'PH_TOPIC_SHRUNK']);
    expect(world.clickhouse.rows).toHaveLength(rows);
    for (const partition of world.broker.partitions) partition.trim();
    expect(kept()).toEqual([1, 1]);
  });
});

test("another cluster's topic keeps what lies below the old positions, whatever a cycle that began before still acknowledges", async () => {
  publish();
  for (const partition of [0, 1, 2]) world.startConsumer(partition);
  await world.scheduler.run(world.scheduler.now + MINUTE, () => false);
  world.broker.replaceTopic(-1_000);
  publish();
  for (const partition of world.broker.partitions) {
    partition.rollLedger(2_000);
    // As a consumer has made it that halted after the cycle had read the states.
    partition.subscribe({ at: 'earliest' });
  }
  const cursors = () => world.broker.partitions.map(({ subscription }) => subscription?.markDelete);
  const before = cursors();
  const invocation = world.newInvocation('cycle', false);
  const invoker = { invoke: async () => undefined };
  const request = { owner: invocation.name, deadline: invocation.now() + MINUTE };
  const ended = runCycle({ ...world.ports(invocation), invoker }, request);
  ended.catch(() => undefined);
  await world.scheduler.run(world.scheduler.now + 2 * MINUTE, () => false);
  await expect(ended).rejects.toMatchObject({ code: 'PH_PULSAR_POSITION_UNKNOWN' });
  expect(cursors()).toEqual(before);
});

test('a cursor that somebody moved during a halt is not moved back', async () => {
  world.broker.replaceTopic(ABOVE);
  publish();
  await cycles(1);
  const [partition] = world.broker.partitions;
  const there = partition?.last ?? expect.fail('nothing is there');
  partition?.moveCursor(there);
  await cycles(1);
  expect(partition?.subscription?.markDelete).toEqual(there);
});

test('a subscription deleted under a pipeline is made anew by the next checkpoint, which says so once', async () => {
  for (const partition of world.broker.partitions) partition.subscription = undefined;
  publish();
  await cycles(1);
  expect(troubles).toEqual(['PH_PULSAR_SUBSCRIPTION_MISSING']);
  publish();
  await cycles(2);
  expect(troubles).toEqual(['PH_PULSAR_SUBSCRIPTION_MISSING']);
  expect(halts()).toEqual([undefined, undefined, undefined]);
  for (const { subscription, last } of world.broker.partitions)
    expect(subscription?.markDelete).toEqual(last);
});

test('a topic made anew that nobody can tell from the one before is read on, and told of once', async () => {
  world.broker.topicIdentity = undefined;
  for (const state of world.table.partitions(world.pipeline.name)) {
    const item = world.table.partition(world.pipeline.name, state.partition);
    item.value = { ...state, cluster: undefined };
  }
  const rows = world.clickhouse.rows.length;
  world.broker.replaceTopic(ABOVE);
  publish();
  await cycles(3);
  expect(troubles).toEqual(['PH_PULSAR_SUBSCRIPTION_MISSING']);
  expect(world.clickhouse.rows.length).toBeGreaterThan(rows);
  for (const { subscription, last } of world.broker.partitions)
    expect(subscription?.markDelete).toEqual(last);
});
