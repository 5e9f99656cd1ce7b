import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FunctionPlace, startFunction } from '../../examples/support/function-process.ts';
import { REFERENCE_DDL, writePipelineFile } from '../../examples/support/pipeline-file.ts';
import type { Stack } from '../../infra/local/stack.ts';
import { runWatched } from '../../infra/local/watched.ts';
import type { AuditReport } from '../../lib/replay/audit/audit-report.ts';
import { bundle } from '../bundle.ts';
import { ask } from './ask-clickhouse.ts';
import type { PipelineRun } from './measured.ts';
import { cpuMicroseconds } from './server-cpu.ts';

const USAGE_REPORT = join(import.meta.dirname, 'report-usage.mjs');

export interface Backlog {
  readonly topic: string;
  readonly partitions: number;
  readonly messages: number;
}

interface Usage {
  readonly cpuMicroseconds: number;
  readonly peakKilobytes: number;
}

/** Drains the backlog into a table of its own, with one function process a partition, and audits it. */
export async function runPipeline(
  stack: Stack,
  folder: string,
  name: string,
  backlog: Backlog,
): Promise<PipelineRun> {
  const database = name.replaceAll('-', '_');
  const place = join(folder, name);
  await mkdir(place);
  const pipelineFile = await writePipelineFile(join(place, 'pipeline.yml'), {
    name,
    topic: backlog.topic,
    subscription: name,
    'target.database': database,
  });
  const functions = { environment: stack.environment, folder: place, pipelineFile };
  await (await startFunction(functions, ['init', '--ddl', REFERENCE_DDL])).answer();

  const source = join(import.meta.dirname, 'consume-process.ts');
  const program = await bundle(source, join(place, 'consume.mjs'), pipelineFile);

  const servers = () =>
    (['pulsar', 'clickhouse'] as const).map((server) => {
      const processes = stack.server(server).processes;
      return processes ? cpuMicroseconds(processes.server) : Number.NaN;
    });
  const before = servers();
  const begun = performance.now();
  const usages = await Promise.all(
    Array.from({ length: backlog.partitions }, (_, partition) =>
      consume(program, functions, name, partition),
    ),
  );
  const milliseconds = performance.now() - begun;
  const used = servers().map((value, server) => value - (before[server] ?? Number.NaN));

  const parts = await ask(
    stack.environment,
    `SYSTEM FLUSH LOGS`,
    `SELECT count() FROM system.part_log WHERE database = '${database}' AND event_type = 'NewPart'`,
  );
  const audit = await (await startFunction(functions, ['audit'])).answer<AuditReport>();
  // Its merges would disturb the next run.
  await ask(stack.environment, `DROP DATABASE ${database} SYNC`);
  return {
    rows: audit.rows,
    milliseconds,
    cpuMicroseconds: usages.reduce((sum, usage) => sum + usage.cpuMicroseconds, 0),
    brokerCpuMicroseconds: used[0] ?? Number.NaN,
    clickhouseCpuMicroseconds: used[1] ?? Number.NaN,
    peakKilobytes: Math.max(...usages.map((usage) => usage.peakKilobytes)),
    parts: Number(parts),
    missing: audit.missing + (backlog.messages - audit.messages),
    doubled: audit.doubled,
  };
}

/** The deployed function in a process of its own, which says what it used in all. */
async function consume(
  program: string,
  { environment, folder }: FunctionPlace,
  pipeline: string,
  partition: number,
): Promise<Usage> {
  const usage = join(folder, `usage-${partition}.json`);
  const log = join(folder, `consume-${partition}.log`);
  const consumer = await runWatched({
    command: process.execPath,
    arguments: ['--import', USAGE_REPORT, program, pipeline, String(partition)],
    environment: { ...environment, BENCH_USAGE_FILE: usage },
    folder,
    log,
    grace: 20,
  });
  const code = await consumer.ended;
  if (code !== 0) throw new Error(`a consumer ended with ${code} and said:\n${await readFile(log, 'utf8')}`);
  return JSON.parse(await readFile(usage, 'utf8')) as Usage;
}
