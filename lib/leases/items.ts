import type { CycleState } from '../pipeline/cycle-state.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import type { StateStore } from '../ports/state-store.ts';
import type { FencedItem } from './fenced-write.ts';

export function partitionItem(
  store: StateStore,
  pipeline: string,
  partition: number,
): FencedItem<PartitionState> {
  return {
    name: `partition ${partition} of ${pipeline}`,
    take: (claim, deadline) => store.takePartition(pipeline, partition, claim, deadline),
    read: (deadline) => store.readPartition(pipeline, partition, deadline),
    write: (next, deadline) => store.writePartition(next, deadline),
  };
}

export function cycleItem(store: StateStore, pipeline: string): FencedItem<CycleState> {
  return {
    name: `the cycle of ${pipeline}`,
    take: (claim, deadline) => store.takeCycle(pipeline, claim, deadline),
    read: (deadline) => store.readCycle(pipeline, deadline),
    write: (next, deadline) => store.writeCycle(next, deadline),
  };
}
