import type { Intent } from '../pipeline/intent.ts';
import { comparePositions, formatPosition } from '../pipeline/position.ts';
import type { LeaveOut } from '../ports/sink.ts';
import { ask, batchError, type ConsumeContext } from './context.ts';
import { PulledBatch } from './pulled-batch.ts';

const BUFFERED_BYTES = 8 * 1024 * 1024;
/** Longer than a reader waits for chunks that may not come. */
const LONGEST_WAIT = 30_000;

/**
 * Pulls exactly the batch that was intended, without the messages left out.
 * @throws PulsehouseError PH_HALT_REREAD_DIFFERS when Pulsar no longer gives the same entries, PH_PULSAR_NO_ANSWER.
 */
export async function reread(
  context: ConsumeContext,
  intent: Intent,
  leaveOut: LeaveOut,
): Promise<PulledBatch> {
  const { transport, environment, deadline, lease } = context;
  const reader = await ask(context, (tryUntil) =>
    transport.openReader(
      lease.state.topic,
      { after: intent.after, maxBufferedBytes: BUFFERED_BYTES },
      tryUntil,
    ),
  );
  try {
    const batch = new PulledBatch(
      intent.after,
      context.sink.newBody(context.partition, true),
      environment.now(),
    );
    while (comparePositions(batch.to, intent.to) < 0) {
      const wait = Math.min(LONGEST_WAIT, deadline - environment.now());
      const entry = reader.poll() ?? (wait > 0 ? await reader.next(wait) : undefined);
      if (!entry) {
        const upTo = formatPosition(batch.to);
        throw batchError(
          context,
          'PH_PULSAR_NO_ANSWER',
          `Pulsar gave no entry above ${upTo} in time`,
          intent,
        );
      }
      batch.add(entry, leaveOut);
    }
    if (batch.digest() !== intent.digest) {
      const found = `${batch.entries} entries, ${batch.messages} messages up to ${formatPosition(batch.to)}`;
      const meant = `${intent.entries} entries, ${intent.messages} messages`;
      throw batchError(context, 'PH_HALT_REREAD_DIFFERS', `intended ${meant}; read again ${found}`, intent);
    }
    return batch;
  } finally {
    await reader.close();
  }
}
