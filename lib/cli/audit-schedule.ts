import { isPulsehouseError, messageOf } from '../pipeline/errors.ts';
import type { AuditDependencies } from '../replay/audit/audit.ts';
import { lastReportAt } from '../replay/audit/audit-reports.ts';
import { scheduledAudit } from '../replay/audit/scheduled-audit.ts';
import type { SharedSink } from './shared-sink.ts';

const QUESTION_TIME = 15_000;
/** A pipeline that was never audited has time to catch up first; so has one whose audit failed. */
const FIRST_AFTER = 10 * 60_000;
const LONGEST_AUDIT = 60 * 60_000;
const CLOSING_TIME = 90_000;

export interface ScheduledAuditDependencies extends Omit<AuditDependencies, 'sink'> {
  readonly sinks: Pick<SharedSink, 'use'>;
}

/** Audits whenever `audit.interval` has passed since the last report, whoever made that, until stopped. */
export async function auditOnSchedule(
  dependencies: ScheduledAuditDependencies,
  stop: AbortSignal,
): Promise<void> {
  const { pipeline, environment, objects, log } = dependencies;
  const { interval } = pipeline.audit;
  if (interval === 0) return;
  let due = environment.now() + Math.min(interval, FIRST_AFTER);
  while (!stop.aborted) {
    await environment.sleep(Math.max(0, due - environment.now()), stop);
    if (stop.aborted) return;
    const now = environment.now();
    try {
      const last = await lastReportAt(objects, pipeline.name, now + QUESTION_TIME);
      due = last === undefined ? now : last + interval;
      if (due > now) continue;
      const terms = { deadline: now + LONGEST_AUDIT, closing: CLOSING_TIME, stop };
      await dependencies.sinks.use((sink) =>
        scheduledAudit({ ...dependencies, sink }, { since: 'last', ...terms }),
      );
      due = environment.now() + interval;
    } catch (error) {
      if (!isPulsehouseError(error)) throw error;
      log.error(`The audit failed and is tried again: ${messageOf(error)}`, { code: error.code });
      due = environment.now() + Math.min(interval, FIRST_AFTER);
    }
  }
}
