/** One run of the pipeline over the whole backlog, from the start of its first process to the end of its last. */
export interface PipelineRun {
  readonly rows: number;
  readonly milliseconds: number;
  /** Of all function processes, their start included. */
  readonly cpuMicroseconds: number;
  readonly brokerCpuMicroseconds: number;
  readonly clickhouseCpuMicroseconds: number;
  /** Of the largest function process. */
  readonly peakKilobytes: number;
  /** Parts that inserts made. */
  readonly parts: number;
  readonly missing: number;
  readonly doubled: number;
}

/** One run of inserting alone, encoded beforehand. */
export interface InsertRun {
  readonly rows: number;
  readonly milliseconds: number;
  /** Of the process that inserts, while it does. */
  readonly cpuMicroseconds: number;
  readonly clickhouseCpuMicroseconds: number;
  /** All bodies are held at once. */
  readonly peakKilobytes: number;
  readonly missing: number;
  readonly doubled: number;
}

export type InsertResult = Omit<PipelineResult, 'brokerCpuMicrosPerRow' | 'parts'>;

export interface PipelineResult {
  readonly rowsPerSecond: number;
  readonly cpuMicrosPerRow: number;
  readonly brokerCpuMicrosPerRow: number;
  readonly clickhouseCpuMicrosPerRow: number;
  readonly peakMemoryMb: number;
  readonly parts: number;
  readonly missing: number;
  readonly doubled: number;
}

/** Medians, but for missing and doubled, of which every run counts. */
export function insertResultOf(runs: readonly InsertRun[]): InsertResult {
  const over = (value: (run: InsertRun) => number) => median(runs.map(value));
  const all = (value: (run: InsertRun) => number) => runs.reduce((sum, run) => sum + value(run), 0);
  return {
    rowsPerSecond: Math.round(over((run) => rate(run.rows, run.milliseconds))),
    cpuMicrosPerRow: round(over((run) => run.cpuMicroseconds / run.rows)),
    clickhouseCpuMicrosPerRow: round(over((run) => run.clickhouseCpuMicroseconds / run.rows)),
    peakMemoryMb: Math.round(over((run) => run.peakKilobytes / 1024)),
    missing: all((run) => run.missing),
    doubled: all((run) => run.doubled),
  };
}

/** Medians, but for missing and doubled, of which every run counts. */
export function resultOf(runs: readonly PipelineRun[]): PipelineResult {
  const over = (value: (run: PipelineRun) => number) => median(runs.map(value));
  const all = (value: (run: PipelineRun) => number) => runs.reduce((sum, run) => sum + value(run), 0);
  return {
    rowsPerSecond: Math.round(over((run) => rate(run.rows, run.milliseconds))),
    cpuMicrosPerRow: round(over((run) => run.cpuMicroseconds / run.rows)),
    brokerCpuMicrosPerRow: round(over((run) => run.brokerCpuMicroseconds / run.rows)),
    clickhouseCpuMicrosPerRow: round(over((run) => run.clickhouseCpuMicroseconds / run.rows)),
    peakMemoryMb: Math.round(over((run) => run.peakKilobytes / 1024)),
    parts: over((run) => run.parts),
    missing: all((run) => run.missing),
    doubled: all((run) => run.doubled),
  };
}

export function rate(rows: number, milliseconds: number): number {
  return (1000 * rows) / milliseconds;
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

export function round(value: number): number {
  return Number(value.toFixed(2));
}
