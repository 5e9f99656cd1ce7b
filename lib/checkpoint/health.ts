import { generationBegan } from '../leases/generation.ts';
import type { CheckpointRecord, CycleState } from '../pipeline/cycle-state.ts';
import { PulsehouseError } from '../pipeline/errors.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import { isAfter, type Position } from '../pipeline/position.ts';
import { makesNoProgress } from '../pipeline/progress.ts';
import { askEach, briefly } from './ask-each.ts';
import type { CycleDependencies } from './context.ts';
import { measureLateness } from './lateness.ts';
import { batchesOf } from './snapshot.ts';

/** A pipeline in the few numbers that alarms look at; all are 0 while it is well and idle. */
export interface Health {
  /** Milliseconds since the oldest message that is not committed was published. */
  readonly oldestUncommitted: number;
  /** Entries above `committed`; a lower bound where a partition's backlog spans ledgers. */
  readonly backlogEntries: number;
  /** Milliseconds since the newest complete checkpoint while there is something that it does not say, else 0. */
  readonly checkpointAge: number;
  readonly haltedPartitions: number;
  /** They did not answer, or their state cannot be read: what the other numbers say is said without them. */
  readonly unknownPartitions: number;
  /** Not halted, with something to store, and their tries fail one after the other. */
  readonly failingPartitions: number;
  /** Rows of the table that views of it lack, or may lack. */
  readonly viewGapRows: number;
  /** Messages committed less rows, filtered and dead-lettered ones: anything but 0 is a defect. */
  readonly conservationDifference: number;
}

export type HealthDependencies = Pick<CycleDependencies, 'pipeline' | 'state' | 'transport' | 'environment'>;

/** Shares of the time left: for the last positions, then for the oldest messages. */
const LOOKING_SHARE = 0.6;
const READING_SHARE = 0.9;

/**
 * Measured from what is durable and from the topic itself, not from what a cycle believes it did. Each partition by itself:
 * one that does not answer is unknown, and hides nothing of the others.
 * @throws PulsehouseError PH_STATE_MISSING for a pipeline that was never initialised; what the ports throw.
 */
export async function measureHealth(dependencies: HealthDependencies, deadline: number): Promise<Health> {
  const { pipeline, state, transport, environment } = dependencies;
  const cycle = await state.readCycle(pipeline.name, deadline);
  if (!cycle) {
    throw new PulsehouseError('PH_STATE_MISSING', `pipeline ${pipeline.name} was never initialised`);
  }
  const [{ states: partitions }, latest] = await Promise.all([
    state.readEachPartition(pipeline.name, cycle.partitions, deadline),
    state.readCheckpoint(pipeline.name, cycle.latest, deadline),
  ]);
  const begun = environment.now();
  const until = (share: number) => begun + (deadline - begun) * share;
  const { answers, unanswered } = await askEach(environment, partitions, ({ topic }) =>
    briefly(environment, until(LOOKING_SHARE), (tryUntil) => transport.lastPosition(topic, tryUntil)),
  );
  const looked = partitions.map((state) => ({ state, last: answers.get(state.partition) }));
  const lateness = await measureLateness(dependencies, looked, until(READING_SHARE));
  return {
    oldestUncommitted: lateness.age,
    backlogEntries: sum(looked.map(({ state: { committed }, last }) => backlog(committed, last))),
    checkpointAge: checkpointAge(cycle, latest, partitions, begun),
    haltedPartitions: partitions.filter(({ halted }) => halted).length,
    unknownPartitions: cycle.partitions - partitions.length + unanswered.length + lateness.unanswered.length,
    failingPartitions: looked.filter((one) => one.last !== undefined && makesNoProgress(one.state, one.last))
      .length,
    viewGapRows: sum(partitions.flatMap(({ viewGaps }) => viewGaps ?? []).map(({ rows }) => rows)),
    conservationDifference: sum(partitions.map((partition) => Math.abs(difference(partition)))),
  };
}

/** Exact within one ledger; how much the ledgers between two positions hold, only the broker's administration knows. */
function backlog(committed: Position, last: Position | undefined): number {
  if (!last || !isAfter(last, committed)) return 0;
  return last.ledger === committed.ledger ? last.entry - committed.entry : last.entry + 1;
}

/**
 * An idle pipeline opens none: its latest checkpoint grows old and still says all there is to say. A cycle that fails before
 * it opens one shows by the batches that were committed since.
 */
function checkpointAge(
  cycle: CycleState,
  latest: CheckpointRecord | undefined,
  states: readonly PartitionState[],
  now: number,
): number {
  const committed = batchesOf(states);
  const isWhole = states.length === cycle.partitions;
  const differs = isWhole && latest?.batches !== undefined && latest.batches !== committed;
  const moved = cycle.latest === 0 ? committed > 0 : differs;
  const since = cycle.latest === 0 ? generationBegan(cycle.generation) : latest?.completedAt;
  return (moved || cycle.opened > cycle.latest) && since !== undefined ? Math.max(0, now - since) : 0;
}

function difference({ totals }: PartitionState): number {
  return totals.messages - totals.rows - totals.filtered - totals.deadLetters;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
