import { PulsehouseError } from '../../pipeline/errors.ts';
import { type AuditDependencies, audit } from './audit.ts';
import type { AuditReport } from './audit-report.ts';
import { keepReport, shortened } from './audit-reports.ts';

export interface ScheduledAudit {
  /** `last`: since the last scheduled audit that was exact, if there is one. */
  readonly since: number | 'last' | undefined;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  /** Kept of the time for ending a comparison in order, milliseconds. */
  readonly closing: number;
  readonly stop?: AbortSignal;
}

/**
 * An audit that ends in time and keeps its report. What it did not come to, the next one does: it begins where this one
 * ended, if that was exact.
 * @throws PulsehouseError when something cannot be asked, of one partition too: the schedule tries again, and an alarm for
 * rows does not ring for a broker's.
 */
export async function scheduledAudit(
  dependencies: AuditDependencies,
  { since, deadline, closing, stop }: ScheduledAudit,
): Promise<AuditReport & { readonly key: string }> {
  const { environment, objects, log } = dependencies;
  const late = new AbortController();
  const over = new AbortController();
  const ended = environment.sleep(deadline - closing - environment.now(), over.signal).then(() => {
    if (!over.signal.aborted) late.abort();
  });
  try {
    const signal = stop ? AbortSignal.any([stop, late.signal]) : late.signal;
    const report = await audit(dependencies, { since }, { deadline, stop: signal });
    const [unknown] = report.unknown;
    if (unknown) {
      const where = { pipeline: report.pipeline, partition: unknown.partition };
      throw new PulsehouseError(unknown.code, unknown.message, { where });
    }
    const at = { now: environment.now(), uniqueId: environment.uniqueId() };
    const key = await keepReport(objects, report, at, deadline);
    const { exact, complete, messages, missing, doubled, foreign, expired, excluded, problems, stuck } =
      report;
    const told = {
      exact,
      complete,
      messages,
      missing,
      doubled,
      foreign,
      expired,
      excluded,
      problems,
      stuck,
      key,
    };
    const text = `Audit: ${messages} messages ${exact ? 'exact' : 'not exact'}${complete ? '' : ', cut off by time'}`;
    if (exact) log.info(text, told);
    else log.error(text, told);
    return { ...shortened(report), key };
  } finally {
    over.abort();
    await ended;
  }
}
