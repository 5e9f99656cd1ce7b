import { parentPort, workerData } from 'node:worker_threads';
import type { Fault } from '../faults.ts';
import { MUTATIONS } from '../mutations/mutations.ts';
import { type RunReport, run } from '../run.ts';

/** Seeds from `from` to `to`, both included. */
export interface SeedRange {
  readonly from: number;
  readonly to: number;
}

export interface WorkerData {
  /** Name of the mutation this worker's protocol was built with. */
  readonly mutation?: string;
  /** Faults that every run has. */
  readonly given: readonly Fault[];
}

/** One finished range: the first run of it that failed, if any did. */
export interface RangeReport extends SeedRange {
  readonly failed: RunReport | undefined;
}

const { mutation: name, given } = workerData as WorkerData;
const mutation = MUTATIONS.find((candidate) => candidate.name === name);

parentPort?.on('message', async ({ from, to }: SeedRange) => {
  let failed: RunReport | undefined;
  for (let seed = from; seed <= to && failed === undefined; seed += 1) {
    const report = await run({ seed, given, ...(mutation && { mutation }) });
    if (report.violation !== undefined)
      failed = { ...report, violation: { ...report.violation, cause: undefined } };
  }
  parentPort?.postMessage({ from, to, failed } satisfies RangeReport);
});
