import type { Fault } from '../faults.ts';
import { type RunReport, run } from '../run.ts';

/** Leaves out one drawn fault after the other while the same invariant still falls: what is left is what it takes. */
export async function shrink(failed: RunReport): Promise<[report: RunReport, without: readonly Fault[]]> {
  let report = failed;
  let without: readonly Fault[] = [];
  for (const fault of failed.faults) {
    const fewer = [...without, fault];
    const again = await run({ seed: failed.seed, without: fewer });
    if (again.violation?.invariant !== failed.violation?.invariant) continue;
    report = again;
    without = fewer;
  }
  return [report, without];
}

/** What fell, what it takes, and the shortest command that shows it. */
export function failureReport(report: RunReport, without: readonly Fault[]): string {
  const { seed, violation, faults } = report;
  const left = without.length > 0 ? ` --without ${without.join(',')}` : '';
  return [
    `Seed ${seed} violates invariant ${violation?.invariant ?? 'none'}: ${violation?.message ?? ''}`,
    `Faults it takes: ${faults.join(', ') || 'none'}`,
    `Replay: npm run simulate -- --seed ${seed}${left} --trace`,
  ].join('\n');
}
