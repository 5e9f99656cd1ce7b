import { PulsehouseError } from '../../pipeline/errors.ts';
import type { BatchBody } from '../../ports/sink.ts';
import type { Trial, TrialDepth } from '../../ports/trial.ts';
import { ask, type ConsumeContext, whereOf } from '../context.ts';

const TRIES = 3;
const PAUSE = 1_000;

/** Without a row the statement itself is tried: a failure is the table's, the mapping's or a dictionary's. */
export async function assertEmptyPasses({
  context,
  trial,
  body,
  depth,
}: {
  readonly context: ConsumeContext;
  readonly trial: Trial;
  readonly body: BatchBody;
  readonly depth: TrialDepth;
}): Promise<void> {
  for (let tried = 1; ; tried += 1) {
    const failure = await ask(context, (deadline) => trial.probe(body, 0, 0, depth, deadline));
    if (!failure) return;
    if (tried === TRIES) {
      if (failure.error.kind !== 'terminal') throw failure.error;
      throw new PulsehouseError('PH_HALT_REFUSED', failure.error.message, {
        where: { ...whereOf(context), column: failure.error.where.column },
        cause: failure.error,
      });
    }
    await context.environment.sleep(PAUSE);
  }
}
