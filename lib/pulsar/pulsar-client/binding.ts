import { messageOf, PulsehouseError } from '../../pipeline/errors.ts';
import type { Log } from '../../ports/log.ts';

/** What `require('pulsar-client')` gives. */
export type Binding = typeof import('pulsar-client');

/**
 * Loads the official client. It is a native addon that its install script downloads; where scripts do not run, as in
 * this project, the package is there without it.
 * @throws PulsehouseError PH_PULSAR_CLIENT_MISSING
 */
export async function loadBinding(log: Log): Promise<Binding> {
  let binding: Binding;
  try {
    binding = (await import('pulsar-client')).default;
  } catch (cause) {
    const [reason] = messageOf(cause).split('\n');
    throw new PulsehouseError(
      'PH_PULSAR_CLIENT_MISSING',
      `PULSAR_TRANSPORT=pulsar-client needs the native part of pulsar-client, which is not here: ${reason}`,
      { cause },
    );
  }
  // One handler a process is all there is; the last transport's log gets the lines of all.
  binding.Client.setLogHandler((level, file, line, message) => {
    const fields = { file, line };
    if (level >= binding.LogLevel.WARN) log.warn(`pulsar-client: ${message}`, fields);
    else log.debug(`pulsar-client: ${message}`, fields);
  });
  return binding;
}
