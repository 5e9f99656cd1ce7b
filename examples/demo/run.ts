import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { StackEnvironment } from '../../infra/local/server-plan.ts';
import { connect } from '../../lib/assembly/connections.ts';
import { systemEnvironment } from '../../lib/assembly/environment.ts';
import { readSettings } from '../../lib/assembly/settings.ts';
import { createConsoleLog } from '../../lib/cli/console-log.ts';
import type { Terminal } from '../../lib/cli/terminal.ts';
import { loadPipelines } from '../../lib/configuration/load.ts';
import type { AuditReport } from '../../lib/replay/audit/audit-report.ts';
import type { PipelineStatus } from '../../lib/replay/status.ts';
import { startFunction } from '../support/function-process.ts';
import { writePipelineFile } from '../support/pipeline-file.ts';
import { publish } from '../support/publish.ts';
import { createTopic } from '../support/pulsar-admin.ts';
import { Checkpoints } from './checkpoints.ts';
import { Consumers } from './consumers.ts';
import { followProgress } from './follow-progress.ts';
import type { DemoOptions } from './options.ts';
import { killMidBatch } from './strike.ts';
import type { Summary } from './summary.ts';

export interface DemoPlace {
  readonly environment: StackEnvironment;
  /** For the pipeline file and what the function processes say. */
  readonly folder: string;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

const MESSAGES_PER_ENTRY = 500;
/** Published before the kill; the rest arrives while the partition recovers. */
const BEFORE_THE_KILL = 0.6;
const VICTIM = 0;

export async function runDemo({ messages, partitions }: DemoOptions, place: DemoPlace): Promise<Summary> {
  const { environment, folder, terminal, signal } = place;
  const run = randomUUID().slice(0, 8);
  const topic = `persistent://public/default/iot-sensor-data-${run}`;
  const pipelineFile = await writePipelineFile(join(folder, 'pipeline.yml'), {
    name: `demo-${run}`,
    topic,
    subscription: `pulsehouse-demo-${run}`,
    'target.database': `demo_${run}`,
    // Small batches, so that there is a middle to be killed in; a lease that lets others take over soon.
    'batch.maxRows': Math.max(1_000, Math.ceil(messages / partitions / 20)),
    'consume.lease': '2 s',
  });
  const functions = { environment, folder, pipelineFile };
  await createTopic(environment['PULSAR_ADMIN_URL'] ?? '', topic, partitions);
  await (await startFunction(functions, ['init'])).answer();

  const settings = readSettings(environment);
  const {
    pipelines: [pipeline],
  } = await loadPipelines([pipelineFile]);
  if (!pipeline) throw new Error('the demo has no pipeline');
  const log = createConsoleLog(terminal, 'warn');
  const around = { environment: systemEnvironment, log };
  const connections = await connect(pipeline, settings, around, ['transport', 'state']);
  const watching = { pipeline, environment: systemEnvironment, ...connections };
  const wire = { serviceUrl: settings.pulsar.serviceUrl, adminUrl: settings.pulsar.adminUrl, ...around };
  const topics = await connections.transport.partitions(topic, systemEnvironment.now() + 10_000);

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
    await connections.close();
  }
}
