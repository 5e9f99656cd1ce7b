import { formatPosition } from '../pipeline/position.ts';
import type { ConsumeContext } from './context.ts';
import { OpenBatches } from './open-batches.ts';
import { settle } from './settle.ts';

/** Intents found belong to a predecessor whose inserts are in doubt; they are settled and committed in order. */
export async function settleFound(context: ConsumeContext): Promise<void> {
  const found = context.lease.state.inFlight;
  if (found.length === 0) return;
  context.log.info(`Settling ${found.length} batches that an earlier invocation left in flight`, {
    partition: context.partition,
    committed: formatPosition(context.lease.state.committed),
  });
  for (const { seq } of found) await settle(context, seq);
  const open = new OpenBatches(context);
  for (const { seq } of found) open.add(seq, () => Promise.resolve());
  await open.waitForAll();
  await open.commitStored();
}
