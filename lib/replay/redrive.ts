import { formatPosition } from '../pipeline/position.ts';
import type { ReplayRange } from '../pipeline/replay.ts';
import { deadLetterEntries } from './dead-letter-source.ts';
import { batchesIn } from './ledger.ts';
import { type PlanDependencies, type ReplayRequest, readLedgers } from './plan.ts';
import { resolveRange } from './range.ts';

export interface RedrivePlan {
  readonly request: ReplayRequest;
  readonly ranges: readonly (ReplayRange & {
    readonly deadLetters: number;
    readonly first: string | undefined;
    readonly leftOut: string | undefined;
  })[];
}

/** The dead letters that a redrive of the range would put through the mapping again. Changes nothing. */
export async function planRedrive(
  dependencies: PlanDependencies,
  request: ReplayRequest,
  deadline: number,
): Promise<RedrivePlan> {
  const ledgers = await readLedgers(dependencies, request.partitions, deadline);
  const ranges = await resolveRange(dependencies, request, ledgers, deadline);
  const planned = await Promise.all(
    ranges.map(async (range) => {
      const ledger = ledgers.find(({ state }) => state.partition === range.partition);
      const batches = batchesIn(ledger?.deadLetterBatches ?? [], range.after, range.to);
      const entries = await deadLetterEntries(dependencies.objects, batches, deadline);
      const deadLetters = entries.reduce((sum, { messages }) => sum + messages, 0);
      const first = entries[0] && formatPosition(entries[0].position);
      return {
        ...range,
        deadLetters,
        first,
        leftOut: deadLetters === 0 ? 'it has no dead letters' : undefined,
      };
    }),
  );
  return { request, ranges: planned };
}
