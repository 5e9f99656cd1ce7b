import {
  newSnapshot,
  type Snapshot,
  type SnapshotPartition,
  type StoredSnapshot,
} from '../../checkpoint/snapshot.ts';
import { listSnapshots } from '../../checkpoint/snapshots.ts';
import { firstEpoch, newGeneration } from '../../leases/generation.ts';
import { PulsehouseError } from '../../pipeline/errors.ts';
import { NO_TOTALS } from '../../pipeline/partition-state.ts';
import { BEFORE_ALL, formatPosition, isAfter, isSamePosition } from '../../pipeline/position.ts';
import { readRange } from '../comparison/read-range.ts';
import { newestValidSnapshot } from '../restore/valid-snapshot.ts';
import type { BranchDependencies, BranchSource } from './branch-run.ts';

/** What the branch begins from: where the first pipeline stood at a checkpoint. */
export interface Base {
  readonly checkpoint: number;
  readonly partitions: readonly SnapshotPartition[];
}

/**
 * Gives every partition its subscription and then makes sure that Pulsar still has everything above it. What the first
 * pipeline was told to forget by then is told by its newest snapshot, written before the telling; whatever lies above
 * that is there, and from now on it is held.
 * @throws PulsehouseError PH_RESET_REFUSED
 */
export async function holdBase(
  dependencies: BranchDependencies,
  source: BranchSource,
  deadline: number,
): Promise<Base> {
  const { transport, pipeline } = dependencies;
  const asked = await newestValidSnapshot(source.objects, source.pipeline.name, source.checkpoint, deadline);
  const topics = await transport.partitions(pipeline.topic, deadline);
  const partitions = topics.map(
    (topic, partition) => asked.snapshot.partitions[partition] ?? unread(partition, topic, asked.snapshot),
  );
  for (const partition of partitions) await subscribe(dependencies, partition, deadline);
  const newest = await newestWhole(source, deadline);
  for (const partition of partitions) {
    await assertKept(dependencies, partition, newest.snapshot.partitions[partition.partition], deadline);
  }
  return { checkpoint: asked.snapshot.number, partitions };
}

/** Not the newest that is whole: a later one, damaged since, may have been told. */
async function newestWhole({ objects, pipeline }: BranchSource, deadline: number): Promise<StoredSnapshot> {
  const number = (await listSnapshots(objects, pipeline.name, deadline)).at(-1) ?? 0;
  return newestValidSnapshot(objects, pipeline.name, number, deadline);
}

/** The branch's first snapshot. Create-only: whoever made it first says where the branch begins. */
export function firstSnapshot(
  { pipeline, environment }: BranchDependencies,
  { partitions }: Base,
  number: number,
): Snapshot {
  const generation = newGeneration(environment);
  const { name, topic, subscription } = pipeline;
  const takenAt = environment.now();
  const about = { pipeline: name, topic, subscription, number, generation, takenAt, previous: undefined };
  return {
    ...newSnapshot(about, []),
    partitions: partitions.map((partition) => ({
      ...partition,
      generation,
      epoch: firstEpoch(environment),
      seq: 0,
      origin: partition.committed,
      totals: NO_TOTALS,
    })),
  };
}

/** A partition that the snapshot does not know: added after it. */
function unread(partition: number, topic: string, { generation }: Snapshot): SnapshotPartition {
  return {
    ...{ partition, topic, generation, cluster: undefined, epoch: 0, seq: 0 },
    ...{ origin: BEFORE_ALL, committed: BEFORE_ALL, committedPublishTime: 0, totals: NO_TOTALS },
  };
}

async function subscribe(
  { transport, pipeline, environment }: BranchDependencies,
  { topic, partition, committed, cluster }: SnapshotPartition,
  deadline: number,
): Promise<void> {
  const where = { topic, partition, position: formatPosition(committed) };
  const found = await transport.topicIdentity(topic, deadline);
  if (cluster !== undefined && found !== undefined && found !== cluster) {
    throw new PulsehouseError('PH_RESET_REFUSED', 'another topic stands under the name since then', {
      where,
    });
  }
  const { markDelete } = await transport.ensureSubscription(
    topic,
    pipeline.subscription,
    isSamePosition(committed, BEFORE_ALL) ? { at: 'earliest' } : { at: 'position', position: committed },
    deadline,
  );
  if (!isAfter(markDelete, committed)) return;
  // Brokers write the end of a ledger as the beginning of the next: then nothing lies between.
  for await (const entry of readRange(
    transport,
    environment,
    { topic, after: committed, to: markDelete },
    deadline,
  )) {
    const message = `the subscription "${pipeline.subscription}" stands at ${formatPosition(markDelete)}, beyond ${formatPosition(entry.position)}, which is still to be read`;
    throw new PulsehouseError('PH_RESET_REFUSED', message, {
      where,
      nextStep: 'Give the second pipeline a subscription of its own, which nobody used before.',
    });
  }
}

/** What was read since, by the snapshots' own counts, must still be there. */
async function assertKept(
  { transport, environment }: BranchDependencies,
  then: SnapshotPartition,
  now: SnapshotPartition | undefined,
  deadline: number,
): Promise<void> {
  if (!now || !isAfter(now.committed, then.committed)) return;
  const { topic, partition, committed } = then;
  const where = { topic, partition, position: formatPosition(committed) };
  const range = { topic, after: committed, to: now.committed };
  let found = 0;
  for await (const entry of readRange(transport, environment, range, deadline)) found += entry.messages;
  const meant = now.totals.messages - then.totals.messages;
  if (now.generation === then.generation && found === meant) return;
  throw new PulsehouseError(
    'PH_RESET_REFUSED',
    now.generation === then.generation
      ? `${meant} messages were read since that checkpoint, and Pulsar still has ${found} of them`
      : 'the first pipeline was reset or restored since that checkpoint',
    { where, nextStep: 'Choose a later checkpoint, or leave --to out for the newest.' },
  );
}
