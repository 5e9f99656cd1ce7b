import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startFunction } from '../../examples/support/function-process.ts';
import { REFERENCE_DDL, writePipelineFile } from '../../examples/support/pipeline-file.ts';
import { createTopic } from '../../examples/support/pulsar-admin.ts';
import { runWatched } from '../../infra/local/watched.ts';
import { systemEnvironment } from '../../lib/assembly/environment.ts';
import { createTerminal, table } from '../../lib/cli/terminal.ts';
import { bundle } from '../bundle.ts';
import { type BenchPlace, onStack } from '../on-stack.ts';
import { ask } from '../pipeline/ask-clickhouse.ts';
import { median, round } from '../pipeline/measured.ts';
import { cpuMicroseconds } from '../pipeline/server-cpu.ts';
import { type Latencies, latenciesOf } from './latencies.ts';
import type { PublishedEntry } from './published.ts';
import { watchEntries } from './visible-entries.ts';

export interface LatencyBenchOptions {
  /** Messages a second. */
  readonly rates: readonly number[];
  readonly seconds: number;
  /** A duration as a pipeline file has it. */
  readonly maxWait: string;
  /** Prints the results as one line of JSON at the end. */
  readonly json: boolean;
}

interface RateResult extends Latencies {
  readonly maxWait: string;
  /** What the producer reached. */
  readonly messagesPerSecond: number;
  /** Parts that inserts made. */
  readonly partsPerMinute: number;
  /** Of the whole process `pulsehouse run`, cycles included. */
  readonly cpuMicrosPerRow: number;
  /** Median time from one look at the table to the next: a latency may be too high by that. */
  readonly resolutionMs: number;
}

const MINUTE = 60_000;
/** Start of the pipeline and of the producer, and until both run as they will go on. */
const WARM_UP = 15;
/** After what is measured. */
const TAIL = 3;

/**
 * `pulsehouse run` in follow mode on one partition, and a producer with a steady pace in a process of its own: how long a
 * message takes from just before it is sent until a query sees its row.
 */
export async function benchLatency(options: LatencyBenchOptions): Promise<void> {
  await onStack(async (place) => {
    const results: Record<string, RateResult> = {};
    for (const rate of options.rates) {
      place.say(`${rate} messages a second, batch.maxWait ${options.maxWait}`);
      results[rate] = await measure(place, rate, options);
    }
    report(results, options.json);
  });
}

async function measure(
  { stack, folder }: BenchPlace,
  rate: number,
  { seconds, maxWait }: LatencyBenchOptions,
): Promise<RateResult> {
  const { environment } = stack;
  const name = `latency-${rate}`;
  const database = name.replaceAll('-', '_');
  const topic = `persistent://public/default/${name}`;
  const here = join(folder, name);
  await mkdir(here);
  await createTopic(environment['PULSAR_ADMIN_URL'] ?? '', topic, 1);
  const pipelineFile = await writePipelineFile(join(here, 'pipeline.yml'), {
    name,
    topic,
    subscription: name,
    'target.database': database,
    'consume.mode': 'follow',
    'batch.maxWait': maxWait,
  });
  const place = { environment, folder: here, pipelineFile };
  await (await startFunction(place, ['init', '--ddl', REFERENCE_DDL])).answer();
  const program = await bundle(join(import.meta.dirname, 'produce.ts'), join(here, 'produce.mjs'));
  const pipeline = await startFunction(place, ['run']);
  const watching = new AbortController();
  const watched = watchEntries(environment, `${database}.sensors_local`, watching.signal);
  const output = join(here, 'published.ndjson');
  const producer = await runWatched({
    command: process.execPath,
    arguments: [
      ...[program, environment['PULSAR_SERVICE_URL'] ?? '', `${topic}-partition-0`],
      ...[String(rate), String(WARM_UP + seconds + TAIL)],
    ],
    folder: here,
    log: join(here, 'produce.log'),
    output,
    grace: 5,
  });
  await systemEnvironment.sleep(WARM_UP * 1000);
  const from = Date.now();
  const cpuBefore = cpuMicroseconds(pipeline.pid);
  await systemEnvironment.sleep(seconds * 1000);
  const until = Date.now();
  const cpu = cpuMicroseconds(pipeline.pid) - cpuBefore;
  const code = await producer.ended;
  if (code !== 0) throw new Error(`the producer ended with ${code}: ${await readFile(output, 'utf8')}`);
  pipeline.end();
  await pipeline.ended;
  // What was stored while it ended must be seen too.
  await systemEnvironment.sleep(1000);
  watching.abort();
  const { at, gaps } = await watched;
  const lines = (await readFile(output, 'utf8')).trimEnd().split('\n');
  const measured = lines
    .map((line) => JSON.parse(line) as PublishedEntry)
    .filter((entry) => entry.at >= from && entry.at < until);
  const parts = await ask(
    environment,
    'SYSTEM FLUSH LOGS',
    `SELECT count() FROM system.part_log WHERE database = '${database}' AND event_type = 'NewPart'
       AND toUnixTimestamp64Milli(toDateTime64(event_time_microseconds, 3)) BETWEEN ${from} AND ${until}`,
  );
  await ask(environment, `DROP DATABASE ${database} SYNC`);
  const latencies = latenciesOf(measured, at);
  return {
    maxWait,
    ...latencies,
    messagesPerSecond: Math.round((latencies.messages * 1000) / (until - from)),
    partsPerMinute: Math.round((Number(parts) * MINUTE) / (until - from)),
    cpuMicrosPerRow: round(cpu / latencies.messages),
    resolutionMs: median(gaps),
  };
}

function report(results: Readonly<Record<string, RateResult>>, json: boolean): void {
  const terminal = createTerminal(false);
  const lines = Object.entries(results).map(([rate, one]) => [
    rate,
    ...[one.p50Ms, one.p95Ms, one.p99Ms, one.maxMs, one.partsPerMinute].map(String),
    ...[one.cpuMicrosPerRow, one.resolutionMs, one.missing].map(String),
  ]);
  const head = ['messages/s', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms', 'parts/min', 'own us/row'];
  terminal.say(table(terminal.colour, [...head, 'resolution ms', 'missing'], lines));
  if (json) process.stdout.write(`${JSON.stringify(results)}\n`);
}
