import type { PartitionState } from '../../lib/pipeline/partition-state.ts';
import type { StateStore } from '../../lib/ports/state-store.ts';

/** One write that was carried out, as its writer knows it. */
export interface Testimony {
  readonly partition: number;
  readonly epoch: number;
  readonly version: number;
  readonly owner: string;
  readonly writeId: string;
}

/** A write whose writer got no answer: it may have been carried out. */
export interface Doubt {
  readonly partition: number;
  readonly doubted: string;
}

/** Tells of every write that is known to stand, whether its own answer says so or a later read does, and of every doubt. */
export function witnessed(
  state: StateStore,
  owner: () => string,
  tell: (seen: Testimony | Doubt) => void,
): StateStore {
  const open = new Set<string>();
  const stands = ({ partition, epoch, version, writeId }: PartitionState) => {
    open.delete(writeId);
    tell({ partition, epoch, version, owner: owner(), writeId });
  };
  const doubting = async <T>(partition: number, writeId: string, answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      open.add(writeId);
      tell({ partition, doubted: writeId });
      throw error;
    }
  };
  return {
    ...state,
    async takePartition(pipeline, partition, claim, deadline) {
      const taking = state.takePartition(pipeline, partition, claim, deadline);
      const result = await doubting(partition, claim.writeId, taking);
      if (result.taken) stands(result.state);
      return result;
    },
    async writePartition(next, deadline) {
      const result = await doubting(next.partition, next.writeId, state.writePartition(next, deadline));
      if (result.written) stands(next);
      return result;
    },
    async readPartition(...call) {
      const found = await state.readPartition(...call);
      if (found && open.has(found.writeId)) stands(found);
      return found;
    },
  };
}

/**
 * What is wrong with the history that all writers of all processes tell: two owners under one epoch, two writers of one
 * version, an epoch that went back, or more versions that nobody wrote than there are doubts.
 */
export function contradictions(
  told: readonly (Testimony | Doubt)[],
  partitions: readonly PartitionState[],
  before: readonly PartitionState[],
): readonly string[] {
  return partitions.flatMap(({ partition, version }) => {
    const first = before.find((state) => state.partition === partition)?.version ?? 0;
    const own = told.filter((one) => one.partition === partition);
    const wrong = [...rivalries(own.filter(isTestimony)), ...gaps(own, first, version)];
    return wrong.map((message) => `partition ${partition}: ${message}`);
  });
}

function isTestimony(one: Testimony | Doubt): one is Testimony {
  return 'version' in one;
}

function rivalries(seen: readonly Testimony[]): string[] {
  const history = seen.toSorted((a, b) => a.version - b.version);
  const several = (group: readonly Testimony[], of: 'owner' | 'writeId') =>
    new Set(group.map((one) => one[of])).size > 1;
  return [
    ...[...groupBy(seen, ({ epoch }) => epoch)].flatMap(([epoch, group]) =>
      several(group, 'owner') ? `epoch ${epoch} had two owners` : [],
    ),
    ...[...groupBy(seen, ({ version }) => version)].flatMap(([version, group]) =>
      several(group, 'writeId') ? `version ${version} was written twice` : [],
    ),
    ...history.flatMap(({ epoch, version }, index) =>
      epoch < (history[index - 1]?.epoch ?? 0) ? `epoch ${epoch} came back at version ${version}` : [],
    ),
  ];
}

function gaps(told: readonly (Testimony | Doubt)[], first: number, last: number): string[] {
  const seen = told.filter(isTestimony);
  const known = new Set(seen.map(({ version }) => version));
  const settled = new Set(seen.map(({ writeId }) => writeId));
  const doubts = new Set(
    told.flatMap((one) => (isTestimony(one) || settled.has(one.doubted) ? [] : one.doubted)),
  );
  const unknown = Array.from({ length: last - first }, (_, index) => first + 1 + index).filter(
    (version) => !known.has(version),
  );
  return unknown.length <= doubts.size
    ? []
    : [`nobody knows of version ${unknown.join(', ')}, and ${doubts.size} writes are in doubt`];
}

function groupBy(seen: readonly Testimony[], key: (one: Testimony) => number): Map<number, Testimony[]> {
  const groups = new Map<number, Testimony[]>();
  for (const one of seen) groups.set(key(one), [...(groups.get(key(one)) ?? []), one]);
  return groups;
}
