import pLimit from 'p-limit';
import { describe, expect, it } from 'vitest';
import type { LeaseClaim, StateStore } from '../../../lib/ports/state-store.ts';
import { fencedContract } from './fenced-contract.ts';
import { batchContract, checkpointContract } from './records-contract.ts';
import { busyPartitionState, cycleState, partitionState, uniquePipeline } from './states.ts';

export interface StateStoreSubject {
  readonly store: StateStore;
  /** A deadline far enough for one call, by the store's own clock. */
  deadline(): number;
}

/** What every StateStore promises. `open` gives a store that is ready; it may be the same one each time. */
export function stateStoreContract(name: string, open: () => Promise<StateStoreSubject>): void {
  fencedContract(`${name}: partition`, async () => {
    const { store, deadline } = await open();
    const pipeline = uniquePipeline();
    return {
      initial: partitionState(pipeline, { partition: 2 }),
      create: (state) => store.createPartition(state, deadline()),
      read: () => store.readPartition(pipeline, 2, deadline()),
      take: (claim: LeaseClaim) => store.takePartition(pipeline, 2, claim, deadline()),
      write: (next) => store.writePartition(next, deadline()),
    };
  });

  fencedContract(`${name}: cycle`, async () => {
    const { store, deadline } = await open();
    const pipeline = uniquePipeline();
    return {
      initial: cycleState(pipeline),
      create: (state) => store.createCycle(state, deadline()),
      read: () => store.readCycle(pipeline, deadline()),
      take: (claim: LeaseClaim) => store.takeCycle(pipeline, claim, deadline()),
      write: (next) => store.writeCycle(next, deadline()),
    };
  });

  describe(`${name}: partitions`, () => {
    it('gives back every field as it was given', async () => {
      const { store, deadline } = await open();
      const state = busyPartitionState(uniquePipeline());
      await store.createPartition(state, deadline());
      expect(await store.readPartition(state.pipeline, 0, deadline())).toStrictEqual(state);
    });

    it('gives the lease of a halted partition to nobody', async () => {
      const { store, deadline } = await open();
      const halted = { ...busyPartitionState(uniquePipeline()), owner: undefined, leaseUntil: 0 };
      await store.createPartition(halted, deadline());
      const claim = { owner: 'me', writeId: 'w', now: 1_790_000_000_000, leaseUntil: 1_790_000_015_000 };
      const result = await store.takePartition(halted.pipeline, 0, claim, deadline());
      expect(result).toStrictEqual({ taken: false, found: halted });
      expect(await store.readPartition(halted.pipeline, 0, deadline())).toStrictEqual(halted);
    });

    it('reads many at once, in order, leaving out those that are missing', async () => {
      const { store, deadline } = await open();
      const pipeline = uniquePipeline();
      const there = Array.from({ length: 230 }, (_, partition) => partition).filter((n) => n % 23 !== 5);
      const states = there.map((partition) => partitionState(pipeline, { partition }));
      await pLimit(16).map(states, (state) => store.createPartition(state, deadline()));
      expect(await store.readPartitions(pipeline, 230, deadline())).toStrictEqual(states);
      expect(await store.readPartitions(pipeline, 3, deadline())).toStrictEqual(states.slice(0, 3));
      expect(await store.readPartitions(pipeline, 0, deadline())).toStrictEqual([]);
      const named = await store.readPartitions(pipeline, [7, 51, 200, 5], deadline());
      expect(named.map(({ partition }) => partition)).toEqual([7, 200]);
    });
  });

  batchContract(name, open);
  checkpointContract(name, open);
}
