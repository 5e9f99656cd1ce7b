import type { Fault } from '../faults.ts';
import { type RunReport, run } from '../run.ts';

/** What was left out of a run, and what was put in, beside what its seed drew. */
export interface Changed {
  readonly given: readonly Fault[];
  readonly without: readonly Fault[];
}

/** The report on a failed run after its faults were reduced to those it takes. */
export async function shrunkReport(failed: RunReport, given: readonly Fault[] = []): Promise<string> {
  let report = failed;
  let without: readonly Fault[] = [];
  for (const fault of failed.faults) {
    const fewer = [...without, fault];
    const again = await run({ seed: failed.seed, given, without: fewer });
    if (again.violation?.invariant !== failed.violation?.invariant) continue;
    report = again;
    without = fewer;
  }
  return failureReport(report, { given, without });
}

/** What fell, what it takes, and the shortest command that shows it. */
export function failureReport(report: RunReport, { given, without }: Changed): string {
  const { seed, violation, faults } = report;
  const option = (name: string, list: readonly Fault[]) =>
    list.length > 0 ? ` ${name} ${list.join(',')}` : '';
  return [
    `Seed ${seed} violates invariant ${violation?.invariant ?? 'none'}: ${violation?.message ?? ''}`,
    `Faults it takes: ${faults.join(', ') || 'none'}`,
    `Replay: npm run simulate -- --seed ${seed}${option('--with', given)}${option('--without', without)} --trace`,
  ].join('\n');
}
