import pLimit from 'p-limit';
import type { DeadLetterBatch } from '../../pipeline/partition-state.ts';
import { BEFORE_ALL, LAST_OF_ALL } from '../../pipeline/position.ts';
import type { DeadLetterSource } from '../comparison/dead-letters-in.ts';
import { type PlanDependencies, readLedgers } from '../replay/plan.ts';

type Dependencies = Pick<PlanDependencies, 'state' | 'replays' | 'objects' | 'pipeline'>;

const BATCHES_AT_ONCE = 500;
const WRITES_AT_ONCE = 8;

/**
 * Lists the dead letters that an earlier version named in the records of their batches alone, before those expire. Safe to
 * run any number of times; answers of how many batches.
 */
export async function listRecordedLetters(dependencies: Dependencies, deadline: number): Promise<number> {
  const ledgers = await readLedgers(dependencies, undefined, deadline);
  let listed = 0;
  for (const source of ledgers.flatMap(({ deadLetterSources }) => deadLetterSources)) {
    const missing = await unlisted(dependencies, source, deadline);
    await pLimit(WRITES_AT_ONCE).map(missing, (batch) =>
      dependencies.state.putDeadLetterBatch(batch, deadline),
    );
    listed += missing.length;
  }
  return listed;
}

async function unlisted(
  { state }: Dependencies,
  { pipeline, partition, generation, records }: DeadLetterSource,
  deadline: number,
): Promise<DeadLetterBatch[]> {
  const recorded = records.flatMap(({ deadLetters, seq, epoch, after, to, publishedUpTo }) =>
    deadLetters
      ? [{ pipeline, partition, generation, seq, epoch, after, to, publishedUpTo, deadLetters }]
      : [],
  );
  const known = new Set<number>();
  let after = recorded[0]?.after ?? BEFORE_ALL;
  while (recorded.length > 0) {
    const range = { pipeline, partition, generation, after, to: LAST_OF_ALL, limit: BATCHES_AT_ONCE };
    const found = await state.readDeadLetterBatches(range, deadline);
    for (const { seq } of found) known.add(seq);
    const last = found.at(-1);
    if (!last || found.length < BATCHES_AT_ONCE) break;
    after = last.to;
  }
  return recorded.filter(({ seq }) => !known.has(seq));
}
