import pLimit from 'p-limit';
import type { CheckpointRecord, CycleState } from '../pipeline/cycle-state.ts';
import { PulsehouseError } from '../pipeline/errors.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import { isAfter, type Position } from '../pipeline/position.ts';
import { makesNoProgress } from '../pipeline/progress.ts';
import type { CycleDependencies } from './context.ts';

/** A pipeline in the few numbers that alarms look at; all are 0 while it is well and idle. */
export interface Health {
  /** Milliseconds since the newest committed message was published, on the partition furthest behind. */
  readonly oldestUncommitted: number;
  /** Entries above `committed`; a lower bound where a partition's backlog spans ledgers. */
  readonly backlogEntries: number;
  /** Milliseconds since the newest complete checkpoint while a newer one was opened and not completed, else 0. */
  readonly checkpointAge: number;
  readonly haltedPartitions: number;
  /** Not halted, with something to store, and their tries fail one after the other. */
  readonly failingPartitions: number;
  /** Messages committed less rows, filtered and dead-lettered ones: anything but 0 is a defect. */
  readonly conservationDifference: number;
}

export type HealthDependencies = Pick<CycleDependencies, 'pipeline' | 'state' | 'transport' | 'environment'>;

const REQUESTS_AT_ONCE = 32;

/**
 * Measured from what is durable and from the topic itself, not from what a cycle believes it did.
 * @throws PulsehouseError PH_STATE_MISSING for a pipeline that was never initialised; what the ports throw.
 */
export async function measureHealth(dependencies: HealthDependencies, deadline: number): Promise<Health> {
  const { pipeline, state, transport, environment } = dependencies;
  const cycle = await state.readCycle(pipeline.name, deadline);
  if (!cycle) {
    throw new PulsehouseError('PH_STATE_MISSING', `pipeline ${pipeline.name} was never initialised`);
  }
  const [partitions, latest] = await Promise.all([
    state.readPartitions(pipeline.name, cycle.partitions, deadline),
    state.readCheckpoint(pipeline.name, cycle.latest, deadline),
  ]);
  const limit = pLimit(REQUESTS_AT_ONCE);
  const last = await Promise.all(
    partitions.map(({ topic }) => limit(() => transport.lastPosition(topic, deadline))),
  );
  const now = environment.now();
  return {
    oldestUncommitted: Math.max(0, ...partitions.map((partition, at) => behind(partition, last[at], now))),
    backlogEntries: sum(partitions.map((partition, at) => backlog(partition.committed, last[at]))),
    checkpointAge: checkpointAge(cycle, latest, now),
    haltedPartitions: partitions.filter(({ halted }) => halted).length,
    failingPartitions: partitions.filter((partition, at) => {
      const position = last[at];
      return position !== undefined && makesNoProgress(partition, position);
    }).length,
    conservationDifference: sum(partitions.map((partition) => Math.abs(difference(partition)))),
  };
}

/** Before the first commit nothing says how old the oldest message is: a backlog then shows by its entries alone. */
function behind(partition: PartitionState, last: Position | undefined, now: number): number {
  const { committed, committedPublishTime } = partition;
  return backlog(committed, last) === 0 || committedPublishTime === 0 ? 0 : now - committedPublishTime;
}

/** Exact within one ledger; how much the ledgers between two positions hold, only the broker's administration knows. */
function backlog(committed: Position, last: Position | undefined): number {
  if (!last || !isAfter(last, committed)) return 0;
  return last.ledger === committed.ledger ? last.entry - committed.entry : last.entry + 1;
}

function checkpointAge(cycle: CycleState, latest: CheckpointRecord | undefined, now: number): number {
  // An idle pipeline opens none: its latest checkpoint grows old and still says all there is to say.
  const wanting = cycle.opened > cycle.latest;
  return wanting && latest?.completedAt !== undefined ? now - latest.completedAt : 0;
}

function difference({ totals }: PartitionState): number {
  return totals.messages - totals.rows - totals.filtered - totals.deadLetters;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
