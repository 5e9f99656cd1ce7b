import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startFunction } from '../../examples/support/function-process.ts';
import { REFERENCE_DDL, writePipelineFile } from '../../examples/support/pipeline-file.ts';
import { publish } from '../../examples/support/publish.ts';
import { createTopic } from '../../examples/support/pulsar-admin.ts';
import type { Stack } from '../../infra/local/stack.ts';
import { systemEnvironment } from '../../lib/assembly/environment.ts';
import { createLog } from '../../lib/assembly/log.ts';
import { createTerminal, table } from '../../lib/cli/terminal.ts';
import { bundle } from '../bundle.ts';
import { onStack } from '../on-stack.ts';
import { transportReader } from '../pulsar/readers.ts';
import { ask } from './ask-clickhouse.ts';
import { median, type PipelineResult, type PipelineRun, rate, resultOf } from './measured.ts';
import { type Backlog, runPipeline } from './run-pipeline.ts';

const RUNS = 3;
const PER_ENTRY = 1_000;

export interface PipelineBenchOptions {
  readonly messages: number;
  /** Prints the results as one line of JSON at the end. */
  readonly json: boolean;
}

/**
 * One backlog of reference messages (LZ4, 1,000 an entry) on one partition and one on four: raw read, raw insert and
 * the whole pipeline, in turn, three times, each in new processes and into a new table.
 */
export async function benchPipeline({ messages, json }: PipelineBenchOptions): Promise<void> {
  await onStack(async ({ stack, folder, say }) => {
    Object.assign(process.env, stack.environment);
    const one = await fill(stack, 1, messages, say);
    const four = await fill(stack, 4, messages, say);
    const reader = await transportReader('wire', 'read-wire.ts', folder);
    const insert = await rawInsert(stack, folder, one);

    const reads: number[] = [];
    const inserts: number[] = [];
    const runs: { readonly one: PipelineRun[]; readonly four: PipelineRun[] } = { one: [], four: [] };
    for (let run = 1; run <= RUNS; run++) {
      const read = await reader.read({ ...addresses(stack), topic: `${one.topic}-partition-0`, messages });
      reads.push(rate(read.messages, read.milliseconds));
      inserts.push(await insert(run));
      runs.one.push(await runPipeline(stack, folder, `bench-one-${run}`, one));
      runs.four.push(await runPipeline(stack, folder, `bench-four-${run}`, four));
      say(
        `run ${run}: raw read ${shown(reads)}, raw insert ${shown(inserts)}, pipeline on 1 ${shown(runs.one.map(rateOf))}, on 4 ${shown(runs.four.map(rateOf))} rows a second`,
      );
    }
    report(
      {
        messages,
        runs: RUNS,
        rawRead: { rowsPerSecond: Math.round(median(reads)) },
        rawInsert: { rowsPerSecond: Math.round(median(inserts)) },
        pipeline1: resultOf(runs.one),
        pipeline4: resultOf(runs.four),
      },
      json,
    );
  });
}

async function fill(
  stack: Stack,
  partitions: number,
  messages: number,
  say: (line: string) => void,
): Promise<Backlog> {
  const topic = `persistent://public/default/bench-${partitions}`;
  const { serviceUrl, adminUrl } = addresses(stack);
  await createTopic(adminUrl, topic, partitions);
  const topics = Array.from({ length: partitions }, (_, partition) => `${topic}-partition-${partition}`);
  for (const one of topics) await hold(adminUrl, one);
  say(`publishing ${messages} messages on ${partitions} partition(s)`);
  const wire = { serviceUrl, adminUrl, environment: systemEnvironment, log: createLog() };
  await publish(wire, { topics, first: 0, messages, perEntry: PER_ENTRY });
  return { topic, partitions, messages };
}

/** Without a subscription nothing would keep the backlog. */
async function hold(adminUrl: string, topic: string): Promise<void> {
  const path = topic.replace('persistent://', 'persistent/');
  const answer = await fetch(`${adminUrl}/admin/v2/${path}/subscription/hold`, { method: 'PUT' });
  if (!answer.ok) throw new Error(`the admin API answered ${answer.status} to a subscription on ${topic}`);
}

/** Rows a second of one more run, each into an empty table. */
async function rawInsert(
  stack: Stack,
  folder: string,
  backlog: Backlog,
): Promise<(run: number) => Promise<number>> {
  const program = await bundle(join(import.meta.dirname, 'raw-insert.ts'), join(folder, 'raw-insert.mjs'));
  const pipelineFile = await writePipelineFile(join(folder, 'raw-insert.yml'), {
    name: 'raw-insert',
    topic: backlog.topic,
    subscription: 'raw-insert',
    'target.database': 'raw_insert',
  });
  await (
    await startFunction({ environment: stack.environment, folder, pipelineFile }, [
      'init',
      '--ddl',
      REFERENCE_DDL,
    ])
  ).answer();
  return async () => {
    const args = [program, pipelineFile, `${backlog.topic}-partition-0`, String(backlog.messages)];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    await ask(stack.environment, 'TRUNCATE TABLE raw_insert.sensors_local SYNC');
    const { rows, milliseconds } = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
    return rate(rows, milliseconds);
  };
}

function addresses({ environment }: Stack): { readonly serviceUrl: string; readonly adminUrl: string } {
  return {
    serviceUrl: environment['PULSAR_SERVICE_URL'] ?? '',
    adminUrl: environment['PULSAR_ADMIN_URL'] ?? '',
  };
}

function rateOf(run: PipelineRun): number {
  return rate(run.rows, run.milliseconds);
}

function shown(rates: readonly number[]): string {
  return Math.round(rates.at(-1) ?? 0).toLocaleString('en');
}

interface Results {
  readonly messages: number;
  readonly runs: number;
  readonly rawRead: { readonly rowsPerSecond: number };
  readonly rawInsert: { readonly rowsPerSecond: number };
  readonly pipeline1: PipelineResult;
  readonly pipeline4: PipelineResult;
}

function report(results: Results, json: boolean): void {
  const terminal = createTerminal(false);
  const lines = (['rawRead', 'rawInsert', 'pipeline1', 'pipeline4'] as const).map((name) => {
    const result: Partial<PipelineResult> = results[name];
    return [
      name,
      result.rowsPerSecond?.toLocaleString('en') ?? '-',
      ...[result.cpuMicrosPerRow, result.brokerCpuMicrosPerRow, result.clickhouseCpuMicrosPerRow].map(cell),
      ...[result.peakMemoryMb, result.parts, result.missing, result.doubled].map(cell),
    ];
  });
  const head = ['', 'rows/s', 'own us/row', 'broker us/row', 'ClickHouse us/row', 'peak MB', 'parts'];
  terminal.say(table(terminal.colour, [...head, 'missing', 'doubled'], lines));
  if (json) process.stdout.write(`${JSON.stringify(results)}\n`);
}

function cell(value: number | undefined): string {
  return value === undefined ? '-' : String(value);
}
