import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { build } from 'esbuild';
import { freePort } from '../../infra/local/ports.ts';
import { type Stack, startStack } from '../../infra/local/stack.ts';
import { loadPipelines } from '../../lib/configuration/load.ts';
import type { Pipeline } from '../../lib/pipeline/pipeline.ts';
import { publishEvents, setUpEvents } from '../support/events.ts';
import { type FaultyServer, SERVERS } from './faults.ts';
import { TcpProxy } from './tcp-proxy.ts';

export const PARTITIONS = 2;
export const TABLE = 'chaos.events';
const TOPIC = 'persistent://public/default/chaos';
const MESSAGES_AN_ENTRY = 100;

/** Short times, so that a round is: a successor may take over after two seconds, a late insert dies after three. */
const PIPELINE = `
name: chaos
topic: ${TOPIC}
subscription: pulsehouse-chaos
target: { database: chaos, table: events }
source: { format: json, fields: { id: UInt64 } }
columns: { id: id }
batch: { maxRows: 1000, insertTimeout: 3s, maxWait: 1s }
checkpoint: { interval: 10s, flushTimeout: 1s }
consume: { lease: 2s }
`;

/** Real servers, a proxy in front of each, and what was published: the truth every round is held against. */
export interface World {
  readonly stack: Stack;
  readonly pipeline: Pipeline;
  readonly proxies: Readonly<Record<FaultyServer, TcpProxy>>;
  /** For a function process: every server is reached through its proxy. */
  readonly environment: Readonly<Record<string, string>>;
  /** The bundle a function process runs. */
  readonly functionFile: string;
  readonly published: number;
  /** Publishes to every partition. */
  publish(entriesAPartition: number): Promise<void>;
  /** Rows and distinct ids in the table, or of one partition in it, asked without proxy. */
  rows(partition?: number): Promise<{ readonly rows: number; readonly distinct: number }>;
  stop(): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'pulsehouse-chaos-'));
  const pulsarPort = await freePort();
  const pulsarProxy = await TcpProxy.open(pulsarPort);
  const stack = await startStack({
    directory: join(directory, 'stack'),
    servers: ['pulsar', 'clickhouse', 'aws', 'dynamodb-local'],
    ephemeral: true,
    preferredPorts: { pulsar: [pulsarPort, await freePort()] },
    pulsar: {
      quickStart: true,
      configuration: [
        `advertisedListeners=direct:pulsar://127.0.0.1:${pulsarPort},proxied:pulsar://127.0.0.1:${pulsarProxy.port}`,
        'internalListenerName=direct',
      ],
    },
  });
  // The audit runs in this process and finds region and credentials where the SDK looks.
  Object.assign(process.env, {
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    ...stack.environment,
  });
  const proxies = {
    pulsar: pulsarProxy,
    clickhouse: await TcpProxy.open(portOf(stack, 'clickhouse')),
    'dynamodb-local': await TcpProxy.open(portOf(stack, 'dynamodb-local')),
    aws: await TcpProxy.open(portOf(stack, 'aws')),
  };
  const pipelineFile = join(directory, 'pipeline.yml');
  await writeFile(pipelineFile, PIPELINE);
  const { pipelines } = await loadPipelines([pipelineFile]);
  const [pipeline] = pipelines;
  if (!pipeline) throw new Error('the pipeline file holds none');
  await setUpEvents(stack.environment, pipeline, PARTITIONS);
  const functionFile = join(directory, 'function.mjs');
  await bundle(functionFile);

  const clickhouse = createClient({
    url: stack.environment['CLICKHOUSE_URL'] ?? '',
    username: stack.environment['CLICKHOUSE_USER'] ?? '',
    password: stack.environment['CLICKHOUSE_PASSWORD'] ?? '',
    log: { level: ClickHouseLogLevel.OFF },
  });
  const environmentOf = { ...stack.environment, CHAOS_PIPELINE: pipelineFile };
  let published = 0;
  return {
    stack,
    pipeline,
    proxies,
    environment: { ...environmentOf, ...throughProxies(proxies) },
    functionFile,
    get published() {
      return published;
    },
    async publish(entries) {
      published = await publish(stack, entries, published);
    },
    rows: (partition) => countRows(clickhouse, partition),
    async stop() {
      await clickhouse.close();
      await Promise.all(SERVERS.map((name) => proxies[name].close()));
      await stack.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function bundle(file: string): Promise<void> {
  await build({
    entryPoints: [new URL('function.ts', import.meta.url).pathname],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['pulsar-client'],
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    logLevel: 'error',
  });
}

async function publish(stack: Stack, entries: number, from: number): Promise<number> {
  let next = from;
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const publication = { entries, messagesAnEntry: MESSAGES_AN_ENTRY, from: next };
    next = await publishEvents(stack.environment, `${TOPIC}-partition-${partition}`, publication);
  }
  return next;
}

async function countRows(
  clickhouse: ClickHouseClient,
  partition: number | undefined,
): Promise<{ rows: number; distinct: number }> {
  const where = partition === undefined ? '' : 'WHERE _partition = {partition: UInt32}';
  const answer = await clickhouse.query({
    query: `SELECT toUInt32(count()) AS rows, toUInt32(uniqExact(id)) AS distinct FROM ${TABLE} ${where}`,
    query_params: { partition },
    format: 'JSONEachRow',
  });
  const [counted] = await answer.json<{ rows: number; distinct: number }>();
  return counted ?? { rows: 0, distinct: 0 };
}

function throughProxies(proxies: World['proxies']): Record<string, string> {
  return {
    PULSAR_SERVICE_URL: `pulsar://127.0.0.1:${proxies.pulsar.port}`,
    PULSAR_LISTENER_NAME: 'proxied',
    CLICKHOUSE_URL: `http://127.0.0.1:${proxies.clickhouse.port}`,
    AWS_ENDPOINT_URL: `http://127.0.0.1:${proxies.aws.port}`,
    AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${proxies['dynamodb-local'].port}`,
  };
}

function portOf(stack: Stack, name: FaultyServer): number {
  const [port] = stack.server(name).ports;
  if (port === undefined) throw new Error(`${name} has no port`);
  return port;
}
