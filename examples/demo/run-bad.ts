import { systemEnvironment } from '../../lib/assembly/environment.ts';
import type { AuditReport } from '../../lib/replay/audit/audit-report.ts';
import { isBad, readingOrBad } from '../iot/bad-readings.ts';
import { startFunction } from '../support/function-process.ts';
import { publish } from '../support/publish.ts';
import type { BadSummary } from './bad-summary.ts';
import { Checkpoints } from './checkpoints.ts';
import { Consumers } from './consumers.ts';
import { type DemoPlace, openDemoPipeline } from './demo-pipeline.ts';
import { followProgress } from './follow-progress.ts';
import type { DemoOptions } from './options.ts';

const MESSAGES_PER_ENTRY = 500;
/** The default of `batch.maxRows`. */
const BATCH_ROWS = 200_000;
/** Twice what is published may be bad in a batch. */
const TOLERANCE = 2;

/** The same backlog drained twice, once without and once with messages that cannot become rows. */
export async function runWithBadMessages(
  options: DemoOptions & { readonly bad: number },
  place: DemoPlace,
): Promise<BadSummary> {
  const clean = await drain(options, 0, place);
  const { audit, messagesPerSecond } = await drain(options, options.bad, place);
  const bad = Array.from({ length: options.messages }, (_, index) => index).filter((index) =>
    isBad(index, options.bad),
  ).length;
  return {
    published: options.messages,
    rows: audit.rows,
    deadLetters: audit.deadLetters,
    missing: audit.missing,
    doubled: audit.doubled,
    messagesPerSecond,
    cleanMessagesPerSecond: clean.messagesPerSecond,
    exact:
      [clean.audit, audit].every(({ exact, drained }) => exact && drained) &&
      clean.audit.rows === options.messages &&
      audit.rows + audit.deadLetters === options.messages &&
      audit.deadLetters === bad,
  };
}

async function drain({ messages, partitions }: DemoOptions, percent: number, place: DemoPlace) {
  const { terminal, signal } = place;
  const also = { 'deadLetters.maxRatio': Math.min(1, (TOLERANCE * Math.max(percent, 1)) / 100) };
  const opened = await openDemoPipeline(place, { partitions, batchRows: BATCH_ROWS, also });
  const { functions, watching, wire, topics } = opened;
  const consumers = new Consumers(functions);
  const checkpoints = new Checkpoints(functions, systemEnvironment, terminal.remark);
  const progress = followProgress(terminal, watching, messages, partitions);
  try {
    const message = (index: number, now: number) => readingOrBad(index, now, percent);
    const perEntry = MESSAGES_PER_ENTRY;
    await publish(wire, {
      ...{ topics, first: 0, messages, perEntry, message, signal },
      onPublished: progress.published,
    });
    const begun = systemEnvironment.now();
    await consumers.start(partitions);
    await progress.untilCommitted(signal);
    const seconds = (systemEnvironment.now() - begun) / 1000;
    progress.end();
    await consumers.stop();
    await checkpoints.finish();
    const audit = await (await startFunction(functions, ['audit'])).answer<AuditReport>();
    for (const problem of audit.problems) terminal.complain(problem);
    return { audit, messagesPerSecond: Math.round(messages / seconds) };
  } finally {
    progress.end();
    await Promise.all([consumers.stop(), checkpoints.stop()]);
    await opened.close();
  }
}
