import { createTerminal, table } from '../../lib/cli/terminal.ts';
import { type BenchPlace, onStack } from '../on-stack.ts';
import { transportReader } from '../pulsar/readers.ts';
import { fill } from './fill.ts';
import {
  type InsertResult,
  type InsertRun,
  insertResultOf,
  median,
  type PipelineResult,
  type PipelineRun,
  rate,
  resultOf,
} from './measured.ts';
import { type Backlog, runPipeline } from './run-pipeline.ts';
import { rawInsert } from './run-raw-insert.ts';
import { SHAPES, type Shape, type ShapeName } from './shapes.ts';

export interface PipelineBenchOptions {
  readonly messages: number;
  readonly runs: number;
  readonly shapes: readonly ShapeName[];
  /** Prints the results as one line of JSON at the end. */
  readonly json: boolean;
  /** A file for the results as an SVG chart. */
  readonly chart?: string;
}

type Results = {
  readonly messages: number;
  readonly runs: number;
  readonly rawRead: { readonly rowsPerSecond: number };
  readonly rawInsert: InsertResult;
  readonly rawInsertRowBinary: InsertResult;
} & { readonly [Name in ShapeName]?: PipelineResult };

/**
 * Backlogs of reference messages: raw read and raw insert of the plainest one, and the whole pipeline over each shape asked
 * for, in turn, so many times, each in new processes and into a new table. All of a shape's figures come from this one run.
 */
export async function benchPipeline(options: PipelineBenchOptions): Promise<void> {
  await onStack(async (place) => {
    Object.assign(process.env, place.stack.environment);
    const results = await measure(place, options);
    if (options.chart !== undefined) {
      const { writeChart } = await import('./chart.ts');
      await writeChart(options.chart, results);
    }
    report(results, options.json);
  });
}

async function measure({ stack, folder, say }: BenchPlace, options: PipelineBenchOptions): Promise<Results> {
  const { messages, runs: rounds, shapes } = options;
  const backlogOf = (name: ShapeName): Promise<Backlog> => {
    const shape: Shape = SHAPES[name];
    const count = Math.ceil(messages * shape.share);
    say(`publishing ${count} messages for ${name}`);
    return fill(stack, name, shape, count);
  };
  const plain = await backlogOf('pipeline1');
  const backlogs = new Map<ShapeName, Backlog>([['pipeline1', plain]]);
  for (const name of shapes) if (!backlogs.has(name)) backlogs.set(name, await backlogOf(name));
  const reader = await transportReader('wire', 'read-wire.ts', folder);
  const insert = await rawInsert(stack, folder, plain);
  const source = {
    serviceUrl: stack.environment['PULSAR_SERVICE_URL'] ?? '',
    adminUrl: stack.environment['PULSAR_ADMIN_URL'] ?? '',
    topic: `${plain.topic}-partition-0`,
    messages,
  };

  const reads: number[] = [];
  const inserts = { JSONEachRow: [] as InsertRun[], RowBinary: [] as InsertRun[] };
  const runs = new Map<ShapeName, PipelineRun[]>(shapes.map((name) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    const read = await reader.read(source);
    reads.push(rate(read.messages, read.milliseconds));
    for (const format of ['JSONEachRow', 'RowBinary'] as const) inserts[format].push(await insert(format));
    for (const [name, done] of runs) {
      const run = await runPipeline(stack, folder, `bench-${name}-${round}`, backlogs.get(name) ?? plain);
      done.push(run);
      say(
        `round ${round}: ${name} ${Math.round(rate(run.rows, run.milliseconds)).toLocaleString('en')} rows/s`,
      );
    }
  }
  return {
    messages,
    runs: rounds,
    rawRead: { rowsPerSecond: Math.round(median(reads)) },
    rawInsert: insertResultOf(inserts.JSONEachRow),
    rawInsertRowBinary: insertResultOf(inserts.RowBinary),
    ...Object.fromEntries([...runs].map(([name, done]) => [name, resultOf(done)])),
  };
}

function report(results: Results, json: boolean): void {
  const terminal = createTerminal(false);
  const { messages: _messages, runs: _runs, ...measured } = results;
  const lines = Object.entries(measured).map(([name, value]) => {
    const result: Partial<PipelineResult> = value;
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
