import { decodeSnapshot, encodeSnapshot, snapshotKey } from '../../lib/checkpoint/snapshot.ts';
import { isAfter } from '../../lib/pipeline/position.ts';
import type { World } from './world.ts';

/** What befalls one of the four systems alone: lost, taken back to an older copy, replaced. */

/** Ledgers that another cluster's topic is behind ours; runs have fewer. */
export const OTHER_CLUSTER = 1_000;

/** Milliseconds after which no insert can still travel or run. */
export const LONGEST_INSERT = 45_000;

/** Milliseconds after which none of those who live now does. */
const LONGEST_LIFE = 180_000;

/**
 * A backup of the state is taken and put back later, whole or in part, while nothing of ours runs: as whoever restores a
 * table from a backup would see to.
 */
export function putStateBack(world: World): void {
  const { table, random, scheduler, scenario } = world;
  const { name } = scenario.pipeline;
  const backup = table.backup(name);
  world.stateWasLost = true;
  world.unrest += 1;
  const what = random.pick(['all of it', 'one partition', 'the cycle'] as const);
  scheduler.after(random.between(1_000, 60_000), 'the state is about to be put back', () => {
    const outage = random.between(LONGEST_INSERT, 2 * LONGEST_INSERT);
    // Whoever wakes later holds an epoch and a version that are given out once more.
    world.outage(outage);
    scheduler.after(outage - 1, `the state is put back: ${what}`, () => {
      world.unrest -= 1;
      // Before the first snapshot of a partition there is nothing to rebuild a state from: that is what init is for.
      if (world.wholeSnapshots.length === 0 || backup.partitions.size === 0) return;
      world.expect(
        'PH_HALT_STATE_BEHIND',
        'PH_HALT_MARK_DELETE_AHEAD',
        'PH_STATE_BEHIND',
        'PH_STATE_MISSING',
      );
      const partition = random.between(0, Math.max(0, backup.partitions.size - 1));
      world.onStateBack(() => {
        if (what === 'all of it') table.putBackAll(name, backup);
        else if (what === 'the cycle') table.cycle(name).value = backup.cycle;
        else table.putBackPartition(name, backup, partition);
        publishAndLater(world);
      });
    });
  });
}

/** The newest snapshot is gone, or says something else under the hash it had. Never the last whole one. */
export function damageSnapshot(world: World, how: 'gone' | 'corrupt'): void {
  const { bucket, scenario, random } = world;
  const newest = world.wholeSnapshots.at(-1);
  if (newest === undefined || world.wholeSnapshots.length < 2) return;
  const key = snapshotKey(scenario.pipeline.name, newest);
  const body = bucket.objects.get(key);
  if (body === undefined) return;
  world.snapshotsDamaged = true;
  // A restore from the one before it does not know of all that Pulsar was told.
  world.expect('PH_HALT_MARK_DELETE_AHEAD');
  bucket.damage(key, how === 'gone' ? undefined : corrupted(key, body, random.pick([-2, 2, 5])));
}

function corrupted(key: string, body: Uint8Array, by: number): Uint8Array {
  const { snapshot, hash } = decodeSnapshot(key, body);
  const partitions = snapshot.partitions.map((partition) => ({
    ...partition,
    committed: { ...partition.committed, entry: Math.max(0, partition.committed.entry + by) },
  }));
  const altered = Buffer.from(encodeSnapshot({ ...snapshot, partitions })).toString('utf8');
  return Buffer.from(altered.replace(/"hash":"[0-9a-f]{64}"/, `"hash":"${hash}"`));
}

/** All of the table's rows are gone at once, whoever may be writing. */
export function truncateTable(world: World): void {
  tableBehind(world);
  world.clickhouse.truncate();
  publishAndLater(world);
}

/** The table is what a backup says, under its name and another id, as RESTORE makes it. */
export function putTableBack(world: World): void {
  const { clickhouse, random, scheduler } = world;
  const backup = clickhouse.backup();
  world.unrest += 1;
  scheduler.after(random.between(1_000, 60_000), 'the table is put back', () => {
    world.unrest -= 1;
    tableBehind(world);
    clickhouse.putBack(backup);
    publishAndLater(world);
  });
}

/**
 * The topic is deleted with all that nobody has read, and made again at once; or another cluster's is in its place, whose
 * ids begin lower and whose messages are none of this pipeline's. Not before something of each partition was read, which
 * is what tells where no identity does.
 */
export function replaceTopic(world: World): void {
  const { broker, scenario, random, table } = world;
  const { ids } = scenario.replacement ?? {};
  const states = table.partitions(scenario.pipeline.name);
  const begun = states.filter(({ committed }) => committed.entry !== -1);
  if (begun.length < broker.partitions.length) return;
  world.expect('PH_HALT_TOPIC_REPLACED', 'PH_HALT_REREAD_DIFFERS', 'PH_PULSAR_SUBSCRIPTION_MISSING');
  for (const { partition, committed } of states) {
    const entries = broker.partitions[partition]?.entries ?? [];
    const unread = entries.filter(({ position }) => isAfter(position, committed));
    world.onForgotten(partition, unread);
  }
  world.topicIsReplaced = true;
  world.topicIsForeign = ids !== 'above';
  broker.replaceTopic(world.topicIsForeign ? -OTHER_CLUSTER : random.between(1, 20));
  publishEverywhere(world);
  if (ids !== 'both') return;
  // Whoever lived on would go on above what it read, as on a topic of its own.
  world.outage(LONGEST_INSERT, 0);
  for (const partition of broker.partitions) partition.rollLedger(OTHER_CLUSTER + random.between(-2, 5));
  publishEverywhere(world);
  for (const partition of broker.partitions) partition.rollLedger(OTHER_CLUSTER);
  publishEverywhere(world);
}

function tableBehind(world: World): void {
  world.expect('PH_HALT_TABLE_BEHIND');
  world.rowsMayBeMissing = true;
}

/**
 * Every partition gets something more, and once more when whoever lives now has ended: it is those who begin that must see
 * what happened, and of one that was cut off after its last commit nobody learns what it would have seen.
 */
function publishAndLater(world: World): void {
  publishEverywhere(world);
  world.unrest += 1;
  world.scheduler.after(LONGEST_LIFE, 'something more arrives', () => {
    world.unrest -= 1;
    publishEverywhere(world);
  });
}

function publishEverywhere(world: World): void {
  for (const partition of world.broker.partitions.keys()) world.publish(partition);
}

/**
 * Somebody else moves a partition's cursor ahead, not to the very end; what it passed may be deleted unread. Not under a
 * consumer, which would have it half read.
 */
export function moveCursor(world: World): void {
  const { broker, random, table, scenario } = world;
  const number = random.between(0, broker.partitions.length - 1);
  const subject = broker.partitions[number];
  const state = table.partition(scenario.pipeline.name, number).value;
  if (subject?.subscription === undefined || state === undefined || state.owner !== undefined) return;
  if (state.inFlight.length > 0) return;
  const { markDelete } = subject.subscription;
  const ahead = subject.entries.filter(({ position }) => isAfter(position, markDelete));
  const to = ahead[random.between(0, ahead.length - 2)];
  if (to === undefined || ahead.length < 2) return;
  world.expect('PH_HALT_MARK_DELETE_AHEAD');
  subject.moveCursor(to.position);
  if (random.chance(0.3)) return;
  subject.rollLedger(1);
  const unread = subject.trim().filter(({ position }) => isAfter(position, state.committed));
  world.onForgotten(number, unread);
}
