import { systemEnvironment } from '../../lib/assembly/environment.ts';
import type { AuditReport } from '../../lib/replay/audit/audit-report.ts';
import type { PipelineStatus } from '../../lib/replay/status.ts';
import { startFunction } from '../support/function-process.ts';
import { publish } from '../support/publish.ts';
import { Checkpoints } from './checkpoints.ts';
import { Consumers } from './consumers.ts';
import { type DemoPlace, openDemoPipeline } from './demo-pipeline.ts';
import { followProgress } from './follow-progress.ts';
import type { DemoOptions } from './options.ts';
import { killMidBatch } from './strike.ts';
import type { Summary } from './summary.ts';

const MESSAGES_PER_ENTRY = 500;
/** Published before the kill; the rest arrives while the partition recovers. */
const BEFORE_THE_KILL = 0.6;
const VICTIM = 0;

export async function runDemo({ messages, partitions }: DemoOptions, place: DemoPlace): Promise<Summary> {
  const { terminal, signal } = place;
  const opened = await openDemoPipeline(place, { partitions, batchRows: batchRowsOf(messages, partitions) });
  const { functions, watching, wire, topics } = opened;
  const consumers = new Consumers(functions);
  const checkpoints = new Checkpoints(functions, systemEnvironment, terminal.remark);
  const progress = followProgress(terminal, watching, messages, partitions);
  const send = (first: number, upTo: number) =>
    publish(wire, {
      topics,
      first,
      messages: upTo - first,
      perEntry: MESSAGES_PER_ENTRY,
      onPublished: progress.published,
      signal,
    });
  try {
    const begun = systemEnvironment.now();
    const beforeTheKill = Math.floor(messages * BEFORE_THE_KILL);
    await Promise.all([consumers.start(partitions), send(0, beforeTheKill)]);
    checkpoints.start();
    const strike = await killMidBatch(watching, VICTIM, consumers.pidOf(VICTIM));
    terminal.remark(`SIGKILL for the consumer of partition ${VICTIM}, in the middle of a batch`);
    const [recovery] = await Promise.all([strike.recovered(), send(beforeTheKill, messages)]);
    terminal.remark(`rows of partition ${VICTIM} flow again after ${(recovery / 1000).toFixed(1)} s`);
    await progress.untilCommitted(signal);
    const seconds = (systemEnvironment.now() - begun) / 1000;
    progress.end();

    await consumers.stop();
    await checkpoints.finish();
    const audit = await (await startFunction(functions, ['audit'])).answer<AuditReport>();
    const status = await (await startFunction(functions, ['status'])).answer<PipelineStatus>();
    const backlog = status.partitions.reduce((sum, { lagMessages = messages }) => sum + lagMessages, 0);
    for (const problem of audit.problems) terminal.complain(problem);
    return {
      published: messages,
      rows: audit.rows,
      missing: audit.missing,
      doubled: audit.doubled,
      deadLetters: audit.deadLetters,
      checkpoints: checkpoints.taken,
      acknowledged: checkpoints.acknowledged,
      backlog,
      recoverySeconds: recovery / 1000,
      messagesPerSecond: Math.round(messages / seconds),
      exact: audit.exact && audit.drained && backlog === 0 && audit.rows === messages,
    };
  } finally {
    progress.end();
    await Promise.all([consumers.stop(), checkpoints.stop()]);
    await opened.close();
  }
}

/** Small batches, so that there is a middle to be killed in. */
function batchRowsOf(messages: number, partitions: number): number {
  return Math.max(1_000, Math.ceil(messages / partitions / 20));
}
