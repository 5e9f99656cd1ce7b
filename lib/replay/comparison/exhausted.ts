import { isAfter, type Position } from '../../pipeline/position.ts';
import type { Environment } from '../../ports/environment.ts';
import type { Transport } from '../../ports/transport.ts';

/**
 * Brokers before 4.0 name a marker as the last entry, which no reader is shown. Where nobody can say that it is one, silence
 * must do, and it has to be longer than any delivery takes.
 */
const LONGEST_DELIVERY = 60_000;
const LOOK_AGAIN = 2_000;
const BUFFERED_BYTES = 1024 * 1024;

/**
 * Whether a topic has nothing more to show above a position, which a reader that has been given nothing for some time does
 * not prove: a broker can say at once what its last entry is and take long to send it.
 * @throws PulsehouseError what the transport throws; retryable when it cannot be asked.
 */
export async function isExhausted(
  transport: Transport,
  environment: Environment,
  { topic, after }: { readonly topic: string; readonly after: Position },
  deadline: number,
): Promise<boolean> {
  const endsThere = async () => !isAfter(await transport.lastPosition(topic, deadline), after);
  if (await endsThere()) return true;
  const onlyMarkers = await transport.hasOnlyMarkers(topic, after, deadline);
  if (onlyMarkers === true) return true;
  const reader = await transport.openReader(topic, { after, maxBufferedBytes: BUFFERED_BYTES }, deadline);
  try {
    const until = environment.now() + LONGEST_DELIVERY;
    while (environment.now() < Math.min(until, deadline)) {
      if (await reader.next(LOOK_AGAIN)) return false;
      if (await endsThere()) return true;
    }
    return onlyMarkers === undefined && environment.now() >= until && reader.waitsFor === undefined;
  } finally {
    await reader.close();
  }
}
