import type { PartitionState } from '../pipeline/partition-state.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { isSamePosition } from '../pipeline/position.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { StateStore } from '../ports/state-store.ts';
import {
  holdsPipeline,
  type Journal,
  type Operation,
  type ResetPartition,
  readUnfinishedOperations,
} from './journal.ts';

interface StandingStates {
  readonly pipeline: Pipeline;
  readonly state: StateStore;
}

/** As `stillUnfinished`, of the journal as it is now. */
export async function readUnfinished(
  dependencies: StandingStates & { readonly objects: ObjectStore },
  deadline: number,
): Promise<readonly Operation[]> {
  const unfinished = await readUnfinishedOperations(
    dependencies.objects,
    dependencies.pipeline.name,
    deadline,
  );
  return stillUnfinished(dependencies, { unfinished }, deadline);
}

/**
 * What was begun by hand and not ended, and holds the pipeline until it is. A record of a reset may reach the bucket long
 * after its sender gave up and somebody carried the move out under another record, or let the pipeline go on: nothing was
 * begun by it, and what it says of the partitions is no longer so (seed 103424).
 */
export async function stillUnfinished(
  { pipeline, state }: StandingStates,
  journal: Pick<Journal, 'unfinished'>,
  deadline: number,
): Promise<readonly Operation[]> {
  const holding = journal.unfinished.filter(holdsPipeline);
  const moved = holding.flatMap((operation) => partsOf(operation).map(({ partition }) => partition));
  if (moved.length === 0) return holding;
  // After the records: a reset under way wrote its own down of what these can no longer go back behind.
  const states = await state.readPartitions(pipeline.name, [...new Set(moved)], deadline);
  return holding.filter((operation) => !isTooLate(partsOf(operation), states));
}

function partsOf(operation: Operation): readonly ResetPartition[] {
  return operation.kind === 'reset' ? operation.partitions : [];
}

/** Neither moved nor as they were found: while a reset is under way, nobody else touches what it names. */
function isTooLate(parts: readonly ResetPartition[], states: readonly PartitionState[]): boolean {
  return parts.some((part) => {
    const found = states.find(({ partition }) => partition === part.partition);
    if (!found || found.generation === part.toGeneration) return false;
    return found.generation !== part.fromGeneration || !isSamePosition(found.committed, part.from);
  });
}
