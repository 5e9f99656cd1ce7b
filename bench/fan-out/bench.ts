import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { packageRoot } from '../../infra/local/package-root.ts';
import { type Connections, connect } from '../../lib/assembly/connections.ts';
import { systemEnvironment as environment } from '../../lib/assembly/environment.ts';
import { readSettings } from '../../lib/assembly/settings.ts';
import { createTerminal, table } from '../../lib/cli/terminal.ts';
import { parsePipeline } from '../../lib/configuration/parse.ts';
import { consume } from '../../lib/consume/consume.ts';
import { initialise } from '../../lib/initialise/initialise.ts';
import type { Pipeline } from '../../lib/pipeline/pipeline.ts';
import {
  createTopic,
  EVENTS_DDL,
  EVENTS_SOURCE,
  publishEvents,
  type ServerAddresses,
} from '../../test/support/events.ts';
import { silentLog } from '../../test/support/events-pipeline.ts';
import { nodeBinary } from '../../test/support/node-runtime.ts';
import { Sandbox } from '../../test/support/sandbox.ts';
import { bundle } from '../bundle.ts';
import { onStack } from '../on-stack.ts';
import { openEventQueue } from './event-queue.ts';
import { countStateTraffic } from './state-traffic.ts';
import { measureTick, type Tick } from './tick.ts';

export interface FanOutOptions {
  readonly partitions: number;
  /** Partitions with something to read, in the cycle that is measured at work. */
  readonly pending: number;
  /** Prints the results as one line of JSON at the end. */
  readonly json: boolean;
}

/** What the function `checkpoint` has in a deployment (serverless.yml). */
const NODE = 24;
const TIMEOUT = 120_000;
/** On Lambda each has a sandbox; here more than two cores carry would only wait for each other. */
const CONSUMERS_AT_ONCE = 8;
const SETUP_TIME = 900_000;
const NAME = 'fan-out';
const TOPIC = 'persistent://public/default/fan-out';

/**
 * Ticks of the packaged `checkpoint` over many partitions, on real Pulsar and ClickHouse and an emulated AWS: the first
 * one, idle ones, one with `pending` partitions that have something to read, and one after it. Consumers run here, in
 * place of Lambda's sandboxes.
 */
export async function benchFanOut({ partitions, pending, json }: FanOutOptions): Promise<void> {
  await onStack(async ({ stack, folder, say }) => {
    Object.assign(process.env, stack.environment);
    const file = join(folder, 'pipeline.yml');
    const pipeline = await describePipeline(file);
    const initMilliseconds = await makePartitions(stack.environment, pipeline, partitions);
    say(`${partitions} partitions made and initialised in ${initMilliseconds} ms`);
    const ports = await connect(pipeline, readSettings(stack.environment), { environment, log: silentLog });
    const queue = await openEventQueue(consumerOf(pipeline, ports));
    const traffic = await countStateTraffic(stack.environment['AWS_ENDPOINT_URL'] ?? '');
    const source = join(packageRoot, 'functions', 'checkpoint.ts');
    const sandbox = new Sandbox({
      node: await nodeBinary(NODE),
      bundle: await bundle(source, join(folder, 'checkpoint.mjs'), file),
      environment: {
        ...stack.environment,
        AWS_ENDPOINT_URL_DYNAMODB: traffic.url,
        AWS_ENDPOINT_URL_LAMBDA: queue.url,
        PULSEHOUSE_CONSUME_FUNCTION: 'consume',
        PULSEHOUSE_REPLAY_FUNCTION: 'replay',
        POWERTOOLS_LOG_LEVEL: 'SILENT',
        POWERTOOLS_METRICS_NAMESPACE: 'Pulsehouse',
      },
    });
    const tick = async (name: string): Promise<Tick> => {
      const measured = await measureTick(sandbox, traffic, { pipeline: NAME, timeout: TIMEOUT });
      say(`${name}: ${measured.outcome} in ${measured.milliseconds} ms`);
      await queue.settled();
      return measured;
    };
    try {
      const first = await tick('first');
      await tick('warm-up');
      const idle = await tick('idle');
      await publishTo(stack.environment, partitions, pending);
      const working = await tick('working');
      const after = await tick('after');
      const snapshotKilobytes = await newestSnapshot(ports);
      const ticks = { first, idle, working, after };
      report({ partitions, pending, initMilliseconds, ticks, snapshotKilobytes }, json);
    } finally {
      await sandbox.end();
      traffic.close();
      queue.close();
      await ports.close();
    }
  });
}

async function describePipeline(file: string): Promise<Pipeline> {
  const text = JSON.stringify({
    name: NAME,
    topic: TOPIC,
    subscription: NAME,
    target: { database: 'fan_out', table: 'events' },
    ...EVENTS_SOURCE,
  });
  await writeFile(file, text);
  const { pipeline } = parsePipeline(text, file);
  if (!pipeline) throw new Error('the pipeline of the bench is wrong');
  return pipeline;
}

/** Answers how long it took, milliseconds. */
async function makePartitions(
  servers: ServerAddresses,
  pipeline: Pipeline,
  partitions: number,
): Promise<number> {
  const begun = environment.now();
  await createTopic(servers, TOPIC, partitions);
  const around = { environment, log: silentLog };
  await initialise(pipeline, readSettings(servers), around, {
    ddl: EVENTS_DDL,
    deadline: begun + SETUP_TIME,
  });
  return environment.now() - begun;
}

function consumerOf(pipeline: Pipeline, ports: Connections): (partition: number) => Promise<void> {
  const limit = pLimit(CONSUMERS_AT_ONCE);
  const dependencies = { ...ports, pipeline, environment, log: silentLog };
  return (partition) =>
    limit(async () => {
      const owner = environment.uniqueId();
      const deadline = environment.now() + TIMEOUT;
      await consume(dependencies, { partition, owner, deadline, until: 'drained' });
    });
}

async function publishTo(servers: ServerAddresses, partitions: number, pending: number): Promise<void> {
  const step = Math.max(1, Math.floor(partitions / pending));
  let from = 0;
  for (let at = 0; at < pending; at++) {
    const topic = `${TOPIC}-partition-${at * step}`;
    from = await publishEvents(servers, topic, { entries: 2, messagesAnEntry: 100, from });
  }
}

async function newestSnapshot({ objects }: Connections): Promise<number> {
  const deadline = environment.now() + TIMEOUT;
  const keys = await objects.list(`${NAME}/snapshots/`, deadline);
  const body = await objects.read(keys.at(-1) ?? '', deadline);
  return Math.round((body?.length ?? 0) / 1_024);
}

interface Results {
  readonly partitions: number;
  readonly pending: number;
  readonly initMilliseconds: number;
  readonly ticks: Readonly<Record<string, Tick>>;
  readonly snapshotKilobytes: number;
}

function report(results: Results, json: boolean): void {
  const terminal = createTerminal(false);
  const head = ['tick', 'outcome', 'ms', 'CPU ms', 'peak MB', 'invoked', 'laggards', 'requests', 'KB read'];
  const lines = Object.entries(results.ticks).map(([name, tick]) => [
    name,
    tick.outcome,
    ...[tick.milliseconds, tick.cpuMilliseconds, tick.peakMegabytes, tick.invoked, tick.laggards].map(String),
    Object.entries(tick.requests)
      .map(([operation, requests]) => `${requests} ${operation}`)
      .join(', '),
    String(tick.kilobytesReceived),
  ]);
  terminal.say(table(terminal.colour, head, lines));
  if (json) process.stdout.write(`${JSON.stringify(results)}\n`);
}
