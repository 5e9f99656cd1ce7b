import { PulsehouseError } from '../pipeline/errors.ts';
import { isAfter, type Position } from '../pipeline/position.ts';
import type { Environment } from '../ports/environment.ts';
import type { Entry, Transport } from '../ports/transport.ts';

const BUFFERED_BYTES = 16 * 1024 * 1024;
/** Positions may end in markers that no reader is shown: this long without an entry at the end is the end. */
const QUIET_AT_END = 5_000;

export interface EntryRange {
  readonly topic: string;
  readonly after: Position;
  readonly to: Position;
}

/**
 * Every entry of `(after, to]` that Pulsar still has, in order. What it has forgotten is simply not there: compare with
 * the first position that comes.
 * @throws PulsehouseError PH_PULSAR_NO_ANSWER when entries that the broker says it has do not come before `deadline`.
 */
export async function* readRange(
  transport: Transport,
  environment: Environment,
  range: EntryRange,
  deadline: number,
): AsyncGenerator<Entry, void, void> {
  const last = await transport.lastPosition(range.topic, deadline);
  const end = isAfter(range.to, last) ? last : range.to;
  if (!isAfter(end, range.after)) return;
  const reader = await transport.openReader(
    range.topic,
    { after: range.after, maxBufferedBytes: BUFFERED_BYTES },
    deadline,
  );
  try {
    for (;;) {
      const wait = Math.min(QUIET_AT_END, deadline - environment.now());
      if (wait <= 0) {
        throw new PulsehouseError('PH_PULSAR_NO_ANSWER', 'the range could not be read in time', {
          where: { topic: range.topic },
        });
      }
      const entry = reader.poll() ?? (await reader.next(wait));
      if (!entry || isAfter(entry.position, range.to)) return;
      yield entry;
      if (!isAfter(end, entry.position)) return;
    }
  } finally {
    await reader.close();
  }
}
