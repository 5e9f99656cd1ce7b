import { join } from 'node:path';
import Table from 'cli-table3';
import { publish } from '../../examples/support/publish.ts';
import { cacheFolder } from '../../infra/local/cache.ts';
import { systemEnvironment } from '../../lib/assembly/environment.ts';
import { createLog } from '../../lib/assembly/log.ts';
import { messageOf } from '../../lib/pipeline/errors.ts';
import { loadBinding } from '../../lib/pulsar/pulsar-client/binding.ts';
import { onStack } from '../on-stack.ts';
import { type Measured, type Result, resultOf } from './measured.ts';
import { type BacklogReader, javaReader, transportReader } from './readers.ts';

const RUNS = 3;
const PER_ENTRY = 1_000;
const TENANT = 'persistent://public/default';

export interface PulsarBenchOptions {
  readonly messages: number;
  /** Prints the results as one line of JSON at the end. */
  readonly json: boolean;
}

/**
 * Reads one backlog of reference messages (LZ4, 1,000 an entry) with each client in turn, three times, each time in a
 * new process on a quiet broker.
 */
export async function benchPulsar({ messages, json }: PulsarBenchOptions): Promise<void> {
  await onStack(
    async ({ stack, folder, say }) => {
      const { PULSAR_SERVICE_URL: serviceUrl = '', PULSAR_ADMIN_URL: adminUrl = '' } = stack.environment;
      const topic = `${TENANT}/bench`;
      await hold(adminUrl);
      say(`publishing ${messages} messages`);
      const wire = { serviceUrl, adminUrl, environment: systemEnvironment, log: createLog() };
      await publish(wire, { topics: [topic], first: 0, messages, perEntry: PER_ENTRY });

      const libraries = join(cacheFolder(), `pulsar-${stack.server('pulsar').version}`, 'lib');
      const readers = [
        await transportReader('wire', 'read-wire.ts', folder),
        await javaReader(libraries, folder),
        ...(await officialClient(folder, say)),
      ];
      const runs = await readInTurn(readers, { serviceUrl, adminUrl, topic, messages }, say);
      report(messages, Object.fromEntries(runs.map(([name, measured]) => [name, resultOf(measured)])), json);
    },
    { servers: ['pulsar'] },
  );
}

/** Without a subscription nothing would keep the backlog. */
async function hold(adminUrl: string): Promise<void> {
  const topic = `${adminUrl}/admin/v2/persistent/public/default/bench`;
  for (const path of [topic, `${topic}/subscription/hold`]) {
    const answer = await fetch(path, { method: 'PUT' });
    if (!answer.ok) throw new Error(`the admin API answered ${answer.status} to PUT ${path}`);
  }
}

/** None where its native part is not here; said, never measured as nothing. */
async function officialClient(folder: string, say: (line: string) => void): Promise<BacklogReader[]> {
  try {
    await loadBinding(createLog());
  } catch (error) {
    say(`pulsarClient is left out: ${messageOf(error)}`);
    return [];
  }
  return [await transportReader('pulsarClient', 'read-pulsar-client.ts', folder)];
}

async function readInTurn(
  readers: readonly BacklogReader[],
  backlog: Parameters<BacklogReader['read']>[0],
  say: (line: string) => void,
): Promise<readonly (readonly [string, readonly Measured[]])[]> {
  const runs = readers.map((reader) => ({ reader, measured: [] as Measured[] }));
  for (let run = 1; run <= RUNS; run++) {
    for (const { reader, measured } of runs) {
      const one = await reader.read(backlog);
      const same = runs[0]?.measured[0]?.bytes ?? one.bytes;
      if (one.messages !== backlog.messages || one.bytes !== same) {
        throw new Error(`${reader.name} read ${one.messages} messages of ${one.bytes} bytes, not ${same}`);
      }
      measured.push(one);
      const { messagesPerSecond, cpuMicrosPerMessage } = resultOf([one]);
      say(`run ${run} ${reader.name}: ${messagesPerSecond}/s, ${cpuMicrosPerMessage} us CPU a message`);
    }
  }
  return runs.map(({ reader, measured }) => [reader.name, measured] as const);
}

function report(messages: number, results: Readonly<Record<string, Result>>, json: boolean): void {
  const table = new Table({
    head: ['', 'messages a second', 'us CPU a message', 'ms to first entry'],
    style: { head: [], border: [] },
  });
  for (const [name, result] of Object.entries(results)) {
    table.push([
      name,
      result.messagesPerSecond.toLocaleString('en'),
      result.cpuMicrosPerMessage,
      result.firstEntryMilliseconds,
    ]);
  }
  process.stdout.write(`${table.toString()}\n`);
  if (json) process.stdout.write(`${JSON.stringify({ messages, runs: RUNS, ...results })}\n`);
}
