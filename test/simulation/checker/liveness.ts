import { BEFORE_ALL, isAfter } from '../../../lib/pipeline/position.ts';
import type { Partition } from '../fakes/broker.ts';
import type { Fault, FaultSet } from '../faults.ts';
import type { World } from '../world.ts';

/** Faults of one partition alone, or of none: where no others are drawn, all other partitions have to make progress. */
const OF_ONE_PARTITION: readonly Fault[] = [
  'partition-away',
  'double-invocations',
  'several-days',
  'bad-messages',
  'follow',
];

/** Milliseconds in which an entry has to be committed: a cycle under way, the next one's looks, one consumer. */
const PROMISED = 60_000;
const LOOK_EVERY = 5_000;

/** A partition that nothing is wrong with makes progress within a stated time, whatever is wrong with the others. */
export class Liveness {
  private readonly world: World;
  private readonly troubled = new Set<Partition>();

  /** Looks while faults last, until `end` (virtual milliseconds). */
  constructor(world: World, faults: FaultSet, end: number) {
    this.world = world;
    if (![...faults].every((fault) => OF_ONE_PARTITION.includes(fault))) return;
    for (let at = world.scheduler.now + LOOK_EVERY; at < end; at += LOOK_EVERY)
      world.scheduler.after(at - world.scheduler.now, 'progress is looked at', () => this.look());
  }

  private look(): void {
    const { broker, table, scenario, scheduler } = this.world;
    for (const [number, partition] of broker.partitions.entries()) {
      if (broker.isAway(partition)) this.troubled.add(partition);
      if (this.troubled.has(partition)) continue;
      const committed = table.partition(scenario.pipeline.name, number).value?.committed ?? BEFORE_ALL;
      const oldest = partition.everything.find(({ position }) => isAfter(position, committed));
      const age = oldest === undefined ? 0 : scheduler.now - oldest.publishTime;
      if (age <= PROMISED) continue;
      this.world.fail({
        invariant: 'progress of a healthy partition',
        message: `${partition.name} has waited for ${age} ms, and nothing is wrong with it`,
      });
    }
  }
}
