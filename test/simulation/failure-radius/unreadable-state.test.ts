import { expect, test } from 'vitest';
import { measureHealth } from '../../../lib/checkpoint/health.ts';
import { decodeSnapshot, snapshotKey } from '../../../lib/checkpoint/snapshot.ts';
import { isSamePosition } from '../../../lib/pipeline/position.ts';
import { readStatus } from '../../../lib/replay/status.ts';
import { SimulatedReplayStore } from '../fakes/replay-store.ts';
import type { World } from '../world.ts';
import { calmWorld, MINUTE, pass } from './calm-world.ts';

const SPOILT = 1;

/** What one invocation comes to, while time passes. */
async function asked<T>(world: World, ask: (ports: ReturnType<World['ports']>) => Promise<T>): Promise<T> {
  let over = false;
  const asking = ask(world.ports(world.newInvocation('question', false))).finally(() => {
    over = true;
  });
  await world.scheduler.run(Number.POSITIVE_INFINITY, () => over);
  return asking;
}

async function cycle(world: World): Promise<void> {
  world.startCycle();
  await pass(world, MINUTE);
}

const publishToAll = (world: World) => {
  for (const partition of [0, 1, 2]) world.publish(partition);
};

test.each(['unreadable', 'gone'])(
  'a partition whose state item is %s is unknown; the others are stored, put into snapshots and acknowledged',
  async (how) => {
    const world = calmWorld(3);
    const { name } = world.pipeline;
    const troubles: string[] = [];
    world.onTrouble = (code) => troubles.push(code);
    publishToAll(world);
    await cycle(world);
    await cycle(world);
    const before = world.table.cycle(name).value;
    const backup = world.table.backup(name);

    if (how === 'gone') world.table.partition(name, SPOILT).value = undefined;
    else world.table.spoil(name, SPOILT, true);
    publishToAll(world);
    await cycle(world);
    await cycle(world);
    expect(new Set(troubles)).toEqual(new Set([how === 'gone' ? 'PH_STATE_MISSING' : 'PH_STATE_CORRUPT']));
    const after = world.table.cycle(name).value;
    expect(after?.latest).toBeGreaterThan(before?.latest ?? 0);
    expect(after?.acknowledged).toBe(after?.latest);
    const key = snapshotKey(name, after?.latest ?? 0);
    const { snapshot } = decodeSnapshot(key, world.bucket.objects.get(key) ?? new Uint8Array());
    for (const { partition, committed } of snapshot.partitions) {
      const newest = world.broker.partitions[partition]?.entries.at(-1)?.position;
      expect(newest && isSamePosition(newest, committed)).toBe(partition !== SPOILT);
    }
    const deadline = world.scheduler.now + MINUTE;
    const health = await asked(world, (ports) => measureHealth(ports, deadline));
    expect(health).toMatchObject({ unknownPartitions: 1, checkpointAge: 0 });
    const status = await asked(world, (ports) => {
      const replays = new SimulatedReplayStore(world.newInvocation('replays', false), world.table);
      return readStatus({ ...ports, replays }, deadline);
    });
    expect(status.partitions.map(({ partition }) => partition)).toEqual([0, 2]);
    expect(status.unknown).toMatchObject([{ partition: SPOILT, code: troubles[0] }]);
    expect(status.drained).toBe(false);

    if (how === 'gone') world.table.putBackPartition(name, backup, SPOILT);
    else world.table.spoil(name, SPOILT, false);
    troubles.length = 0;
    await cycle(world);
    await cycle(world);
    expect(troubles).toEqual([]);
    expect(world.table.partitions(name).map(({ committed }) => committed)).toEqual(
      world.broker.partitions.map(({ entries }) => entries.at(-1)?.position),
    );
    expect(world.table.cycle(name).value).not.toHaveProperty('unacknowledged', [SPOILT]);
  },
);

test('status shows every partition while one of the topic does not answer, and says which it is', async () => {
  const world = calmWorld(3);
  publishToAll(world);
  await cycle(world);
  const [away] = world.broker.partitions;
  if (away === undefined) throw new Error('there is no partition');
  world.broker.takeAway(away);
  const status = await asked(world, (ports) => {
    const replays = new SimulatedReplayStore(world.newInvocation('replays', false), world.table);
    return readStatus({ ...ports, replays }, world.scheduler.now + MINUTE);
  });
  expect(status.partitions.map(({ last }) => last === undefined)).toEqual([true, false, false]);
  expect(status.partitions.map(({ drained }) => drained)).toEqual([false, true, true]);
  expect(status.unknown).toMatchObject([{ partition: 0, code: 'PH_PULSAR_TIMEOUT' }]);
  expect(status.drained).toBe(false);
});
