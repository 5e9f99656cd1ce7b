import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { StackEnvironment } from '../../infra/local/server-plan.ts';
import { connect } from '../../lib/assembly/connections.ts';
import { systemEnvironment } from '../../lib/assembly/environment.ts';
import { readSettings } from '../../lib/assembly/settings.ts';
import { createConsoleLog } from '../../lib/cli/console-log.ts';
import type { Terminal } from '../../lib/cli/terminal.ts';
import { loadPipelines } from '../../lib/configuration/load.ts';
import type { WireOptions } from '../../lib/pulsar/wire/options.ts';
import { type FunctionPlace, startFunction } from '../support/function-process.ts';
import { REFERENCE_DDL, writePipelineFile } from '../support/pipeline-file.ts';
import { createTopic } from '../support/pulsar-admin.ts';
import type { Watching } from './strike.ts';

export interface DemoPlace {
  readonly environment: StackEnvironment;
  /** For the pipeline file and what the function processes say. */
  readonly folder: string;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

export interface DemoPipeline {
  readonly functions: FunctionPlace;
  readonly watching: Watching;
  readonly wire: WireOptions;
  /** One a partition. */
  readonly topics: readonly string[];
  close(): Promise<void>;
}

/** A topic, table, state and bucket prefix of its own, made by `init` as a user would. */
export async function openDemoPipeline(
  { environment, folder, terminal }: DemoPlace,
  {
    partitions,
    batchRows,
    also,
  }: {
    readonly partitions: number;
    readonly batchRows: number;
    /** Further paths of the pipeline's file. */
    readonly also?: Readonly<Record<string, unknown>>;
  },
): Promise<DemoPipeline> {
  const run = randomUUID().slice(0, 8);
  const topic = `persistent://public/default/iot-sensor-data-${run}`;
  const pipelineFile = await writePipelineFile(join(folder, `pipeline-${run}.yml`), {
    name: `demo-${run}`,
    topic,
    subscription: `pulsehouse-demo-${run}`,
    'target.database': `demo_${run}`,
    'batch.maxRows': batchRows,
    // A lease that lets others take over soon.
    'consume.lease': '2 s',
    ...also,
  });
  const functions = { environment, folder, pipelineFile };
  await createTopic(environment['PULSAR_ADMIN_URL'] ?? '', topic, partitions);
  await (await startFunction(functions, ['init', '--ddl', REFERENCE_DDL])).answer();

  const settings = readSettings(environment);
  const {
    pipelines: [pipeline],
  } = await loadPipelines([pipelineFile]);
  if (!pipeline) throw new Error('the demo has no pipeline');
  const log = createConsoleLog(terminal, 'warn');
  const around = { environment: systemEnvironment, log };
  const connections = await connect(pipeline, settings, around, ['transport', 'state']);
  return {
    functions,
    watching: { pipeline, environment: systemEnvironment, ...connections },
    wire: { serviceUrl: settings.pulsar.serviceUrl, adminUrl: settings.pulsar.adminUrl, ...around },
    topics: await connections.transport.partitions(topic, systemEnvironment.now() + 10_000),
    close: () => connections.close(),
  };
}
