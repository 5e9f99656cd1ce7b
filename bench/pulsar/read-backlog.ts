import { systemEnvironment } from '../../lib/assembly/environment.ts';
import { createLog } from '../../lib/assembly/log.ts';
import { BEFORE_ALL } from '../../lib/pipeline/position.ts';
import type { Environment } from '../../lib/ports/environment.ts';
import type { Log } from '../../lib/ports/log.ts';
import type { Entry, Transport } from '../../lib/ports/transport.ts';
import type { Measured } from './measured.ts';

const BUFFER = 32 * 1024 * 1024;
const PATIENCE = 60_000;

export interface Addresses {
  readonly serviceUrl: string;
  readonly adminUrl: string;
  readonly environment: Environment;
  readonly log: Log;
}

/**
 * The body of a process that reads a topic's backlog through one transport and prints what it took, as one line of
 * JSON. Arguments: service URL, admin URL, partition topic, number of messages.
 */
export async function readBacklog(
  open: (addresses: Addresses) => Transport | Promise<Transport>,
): Promise<void> {
  const [serviceUrl = '', adminUrl = '', topic = '', count = ''] = process.argv.slice(2);
  const messages = Number(count);
  const environment = systemEnvironment;
  const begun = performance.now();
  const transport = await open({ serviceUrl, adminUrl, environment, log: createLog() });
  const reader = await transport.openReader(
    topic,
    { after: BEFORE_ALL, maxBufferedBytes: BUFFER },
    environment.now() + PATIENCE,
  );
  let first: number | undefined;
  let read = 0;
  let bytes = 0;
  while (read < messages) {
    const entry = reader.poll() ?? (await reader.next(PATIENCE));
    if (entry === undefined) throw new Error(`nothing came after ${read} of ${messages} messages`);
    first ??= performance.now();
    read += entry.messages;
    bytes += payloadBytes(entry);
  }
  const ended = performance.now();
  await reader.close();
  await transport.close();
  const cpu = process.cpuUsage();
  const measured: Measured = {
    messages: read,
    bytes,
    milliseconds: ended - begun,
    firstEntryMilliseconds: (first ?? ended) - begun,
    cpuMicroseconds: cpu.user + cpu.system,
  };
  process.stdout.write(`${JSON.stringify(measured)}\n`);
}

function payloadBytes({ bounds }: Entry): number {
  let bytes = 0;
  for (let at = 0; at < bounds.length; at += 2) bytes += (bounds[at + 1] as number) - (bounds[at] as number);
  return bytes;
}
