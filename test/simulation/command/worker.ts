import { parentPort, workerData } from 'node:worker_threads';
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
}

/** One finished range: the first run of it that failed, if any did. */
export interface RangeReport extends SeedRange {
  readonly failed: RunReport | undefined;
}

const { mutation: name } = (workerData ?? {}) as WorkerData;
const mutation = MUTATIONS.find((candidate) => candidate.name === name);

parentPort?.on('message', async ({ from, to }: SeedRange) => {
  let failed: RunReport | undefined;
  for (let seed = from; seed <= to && failed === undefined; seed += 1) {
    const report = await run({ seed, ...(mutation && { mutation, given: mutation.given }) });
    if (report.violation !== undefined)
      failed = { ...report, violation: { ...report.violation, cause: undefined } };
  }
  parentPort?.postMessage({ from, to, failed } satisfies RangeReport);
});
