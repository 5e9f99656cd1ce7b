import type { Snapshot } from '../../checkpoint/snapshot.ts';
import {
  beginOperation,
  endOperation,
  type Operation,
  type ResetPartition,
  readJournal,
} from '../journal.ts';
import type { Base } from './base.ts';
import type { BranchDependencies, BranchSource } from './branch-run.ts';

/**
 * An audit of the branch counts what the first pipeline stored. So the branch is recorded as a reset that moved nothing,
 * from the first one's generations to its own, after the resets that led to those.
 */
export async function recordLineage(
  { objects, pipeline }: BranchDependencies,
  source: BranchSource,
  about: { readonly base: Base; readonly claimed: Snapshot; readonly by: Operation },
  deadline: number,
): Promise<void> {
  const { base, claimed, by } = about;
  const { operations } = await readJournal(source.objects, source.pipeline.name, deadline);
  const earlier = operations.filter((operation) => operation.kind === 'reset');
  const partitions = base.partitions.map(
    ({ partition, generation, committed, origin, totals }): ResetPartition => ({
      partition,
      fromGeneration: generation,
      from: committed,
      toGeneration: claimed.generation,
      to: committed,
      origin,
      joined: false,
      kept: { rows: totals.rows, messages: totals.messages },
      cut: undefined,
    }),
  );
  const branched: Operation = {
    kind: 'reset',
    reason: 'branch',
    id: `${by.id}-lineage`,
    by: by.by,
    at: by.at,
    partitions,
  };
  for (const operation of [...earlier, branched]) {
    await beginOperation(objects, pipeline.name, operation, deadline);
    await endOperation(objects, pipeline.name, operation, deadline);
  }
}
