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
import { isAllAcknowledged, unloadTopic } from './broker-admin.ts';
import { type FaultyServer, SERVERS } from './faults.ts';
import { RightsGate } from './rights-gate.ts';
import { RotatedUser } from './rotated-user.ts';
import { TcpProxy } from './tcp-proxy.ts';
import { type Closed, TopicGate } from './topic-gate.ts';

export const PARTITIONS = 2;
/** Published to each partition before a fault strikes. */
export const ENTRIES = 30;
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
  /** For a function process that is to be denied the state table while the others are not. */
  readonly rights: { readonly gate: RightsGate; readonly environment: Readonly<Record<string, string>> };
  /** For a function process whose password is rotated. */
  readonly user: { readonly environment: Readonly<Record<string, string>>; rotate(): Promise<void> };
  /** The bundle a function process runs. */
  readonly functionFile: string;
  readonly published: number;
  /** Publishes to every partition. */
  publish(entriesAPartition: number): Promise<void>;
  /** Rows and distinct ids in the table, or of one partition in it, asked without proxy. */
  rows(partition?: number): Promise<{ readonly rows: number; readonly distinct: number }>;
  /** Functions cannot open the partition's topic any more, and those that had it open are let go. */
  closeTopic(partition: number, how: Closed): Promise<void>;
  reopenTopic(): void;
  /** Whether Pulsar was told of every message of the partition. */
  isAcknowledged(partition: number): Promise<boolean>;
  stop(): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'pulsehouse-chaos-'));
  const pulsarPort = await freePort();
  const topicGate = await TopicGate.open(pulsarPort);
  const pulsarProxy = await TcpProxy.open(topicGate.port);
  const user = await RotatedUser.open();
  const stack = await startStack({
    directory: join(directory, 'stack'),
    servers: ['pulsar', 'clickhouse', 'aws', 'dynamodb-local'],
    ephemeral: true,
    clickhouse: user.clickhouse,
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
  const rightsGate = await RightsGate.open(`http://127.0.0.1:${proxies['dynamodb-local'].port}`);
  const adminUrl = stack.environment['PULSAR_ADMIN_URL'] ?? '';
  const environmentOf = { ...stack.environment, CHAOS_PIPELINE: pipelineFile };
  let published = 0;
  return {
    stack,
    pipeline,
    proxies,
    environment: { ...environmentOf, ...throughProxies(proxies) },
    rights: { gate: rightsGate, environment: { AWS_ENDPOINT_URL_DYNAMODB: rightsGate.endpoint } },
    user: {
      environment: user.environment,
      rotate: () => user.rotate(stack.environment['AWS_ENDPOINT_URL'] ?? ''),
    },
    functionFile,
    get published() {
      return published;
    },
    async publish(entries) {
      published = await publish(stack, entries, published);
    },
    rows: (partition) => countRows(clickhouse, partition),
    async closeTopic(partition, how) {
      topicGate.close(topicOf(partition), how);
      await unloadTopic(adminUrl, topicOf(partition));
    },
    reopenTopic: () => topicGate.reopen(),
    isAcknowledged: (partition) => isAllAcknowledged(adminUrl, topicOf(partition), pipeline.subscription),
    async stop() {
      await clickhouse.close();
      await Promise.all([user.stop(), rightsGate.stop(), ...SERVERS.map((name) => proxies[name].close())]);
      await topicGate.stop();
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
    next = await publishEvents(stack.environment, topicOf(partition), publication);
  }
  return next;
}

function topicOf(partition: number): string {
  return `${TOPIC}-partition-${partition}`;
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
