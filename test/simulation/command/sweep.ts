import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Fault } from '../faults.ts';
import { bundleWorker } from '../mutations/bundle.ts';
import type { Mutation } from '../mutations/mutation.ts';
import type { RunReport } from '../run.ts';
import type { RangeReport, SeedRange, WorkerData } from './worker.ts';

export interface SweepOptions extends SeedRange {
  readonly mutation?: Mutation;
  /** Faults that every run has, whatever its seed draws. */
  readonly given?: readonly Fault[];
  readonly workers?: number;
  /** Called with the number of seeds done so far. */
  readonly onProgress?: (done: number) => void;
}

/** Seeds a worker is given at a time. */
const PORTION = 50;

/** Runs seeds on every core until one fails. Answers the failed run with the lowest seed, or undefined when none did. */
export async function sweep(options: SweepOptions): Promise<RunReport | undefined> {
  const folder = await mkdtemp(path.join(tmpdir(), 'simulation-'));
  const file = path.join(folder, 'worker.mjs');
  try {
    await bundleWorker(file, options.mutation?.patches);
    return await sweepWith(file, options);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function sweepWith(file: string, options: SweepOptions): Promise<RunReport | undefined> {
  const { from, to, mutation, given = [], onProgress } = options;
  let next = from;
  let done = 0;
  let failed: RunReport | undefined;
  const take = (): SeedRange | undefined => {
    if (next > to || failed !== undefined) return undefined;
    const range = { from: next, to: Math.min(to, next + PORTION - 1) };
    next = range.to + 1;
    return range;
  };
  const finished = (report: RangeReport): void => {
    done += report.to - report.from + 1;
    onProgress?.(done);
    if (report.failed && (failed === undefined || report.failed.seed < failed.seed)) failed = report.failed;
  };
  const workerData: WorkerData = { given, ...(mutation && { mutation: mutation.name }) };
  const workers = options.workers ?? availableParallelism();
  await Promise.all(
    Array.from({ length: workers }, () => work(new Worker(file, { workerData }), take, finished)),
  );
  return failed;
}

/** Feeds one worker until there is nothing left to take. */
async function work(
  worker: Worker,
  take: () => SeedRange | undefined,
  finished: (report: RangeReport) => void,
): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      const feed = (): void => {
        const range = take();
        if (range === undefined) resolve();
        else worker.postMessage(range);
      };
      worker.on('error', reject);
      worker.on('message', (report: RangeReport) => {
        finished(report);
        feed();
      });
      feed();
    });
  } finally {
    await worker.terminate();
  }
}
