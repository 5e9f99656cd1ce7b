import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStack } from '../infra/local/stack.ts';
import { systemEnvironment as environment } from '../lib/assembly/environment.ts';
import { createLog } from '../lib/assembly/log.ts';
import { openStateTable } from '../lib/assembly/servers.ts';
import { readSettings } from '../lib/assembly/settings.ts';
import { parsePipeline } from '../lib/configuration/parse.ts';
import { dynamoStateStore } from '../lib/dynamodb/state-store.ts';
import { openProducer } from '../lib/pulsar/wire/producer.ts';
import { EVENTS_SOURCE, publishEvents, setUpEvents } from '../test/support/events.ts';
import { nodeBinary } from '../test/support/node-runtime.ts';
import { Sandbox } from '../test/support/sandbox.ts';
import { packageService } from '../test/support/serverless.ts';

/**
 * `npx tsx bench/functions.ts`: what single invocations of the packaged functions take, milliseconds of the clock and of
 * CPU, medians. `cold` is from the start of the process to the answer of an invocation that consumes one entry:
 * connections, lease, intent, insert and commit included. `warm` is the same in a warm sandbox, `empty` finds nothing to
 * read, `idleCycle` is a tick of an idle pipeline. `busyCold` and `busyWarm` find their partition held. `backlog` is the CPU of one invocation that drains BACKLOG messages of
 * some 300 bytes, microseconds a message.
 */
const NODE = 24;
const ROUNDS = 7;
const PARTITIONS = 1;
const BACKLOG = 300_000;
const AN_ENTRY = 1_000;
const HELD = 600_000;
const TOPIC = 'persistent://public/default/functions';
/** Of /proc/PID/stat. */
const MILLISECONDS_A_TICK = 10;

interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

const directory = await mkdtemp(join(tmpdir(), 'pulsehouse-functions-'));
const stack = await startStack({ directory: join(directory, 'stack'), ephemeral: true });
try {
  for (const name of ['AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
    process.env[name] = stack.environment[name];
  await prepare();
  const node = await nodeBinary(NODE);
  const consume = { pipeline: 'functions', partition: 0 };
  const names = ['cold', 'warm', 'empty', 'idleCycle', 'busyCold', 'busyWarm'];
  const costs: Record<string, Cost[]> = Object.fromEntries(names.map((name) => [name, []]));
  const note = (name: string, cost: Cost) => costs[name]?.push(cost);
  for (let round = 0; round < ROUNDS; round++) {
    await publish(round);
    const begun = performance.now();
    const sandbox = open(node, 'consume');
    note('cold', await measured(sandbox, consume, { begun, cpu: 0 }));
    await publish(ROUNDS + round);
    note('warm', await measured(sandbox, consume));
    note('empty', await measured(sandbox, consume));
    await sandbox.end();
  }
  const cycles = open(node, 'checkpoint');
  const cycle = { pipeline: 'functions' };
  for (let warmUp = 0; warmUp < 3; warmUp++) await measured(cycles, cycle);
  for (let round = 0; round < ROUNDS; round++) note('idleCycle', await measured(cycles, cycle));
  await cycles.end();
  await publishBacklog();
  const drainer = open(node, 'consume');
  const drained = await measured(drainer, consume, { begun: performance.now(), cpu: 0 });
  await drainer.end();
  await holdPartition();
  for (let round = 0; round < ROUNDS; round++) {
    const begun = performance.now();
    const sandbox = open(node, 'consume');
    note('busyCold', await measured(sandbox, consume, { begun, cpu: 0 }, 'busy'));
    note('busyWarm', await measured(sandbox, consume, undefined, 'busy'));
    await sandbox.end();
  }
  const backlog = { messages: BACKLOG, cpuMicrosecondsAMessage: (drained.cpu * 1_000) / BACKLOG };
  const summary = Object.entries(costs).map(([name, all]) => [
    name,
    { milliseconds: median(all.map(({ wall }) => wall)), cpuMilliseconds: mean(all.map(({ cpu }) => cpu)) },
  ]);
  process.stdout.write(`${JSON.stringify({ node: NODE, ...Object.fromEntries(summary), backlog })}\n`);
} finally {
  await stack.stop();
  await rm(directory, { recursive: true, force: true });
}

/** Somebody else's for as long as this runs. */
async function holdPartition(): Promise<void> {
  const settings = readSettings(stack.environment);
  const table = await openStateTable(settings, { environment, log: createLog() });
  const now = environment.now();
  const claim = { owner: 'somebody', writeId: environment.uniqueId(), now, leaseUntil: now + HELD };
  const held = await dynamoStateStore(table).takePartition('functions', 0, claim, now + HELD);
  table.client.destroy();
  if (!held.taken) throw new Error('the partition could not be held');
}

async function prepare(): Promise<void> {
  const text = JSON.stringify({
    name: 'functions',
    topic: TOPIC,
    subscription: 'functions',
    target: { database: 'functions', table: 'events' },
    ...EVENTS_SOURCE,
  });
  const file = join(directory, 'pipeline.yml');
  await writeFile(file, text);
  const { pipeline } = parsePipeline(text, file);
  if (!pipeline) throw new Error('the pipeline is wrong');
  await setUpEvents(stack.environment, pipeline, PARTITIONS);
  const packaged = await packageService({ pipelines: file }, {});
  for (const name of ['consume', 'checkpoint'])
    execFileSync('python3', ['-m', 'zipfile', '-e', join(packaged.folder, `${name}.zip`), directory]);
  await packaged.remove();
}

function open(node: string, name: string): Sandbox {
  return new Sandbox({
    node,
    bundle: join(directory, 'functions', `${name}.mjs`),
    environment: {
      ...stack.environment,
      // As deployed: reading the source map is some 30 ms of a cold start.
      NODE_OPTIONS: '--enable-source-maps',
      POWERTOOLS_LOG_LEVEL: 'SILENT',
      POWERTOOLS_METRICS_NAMESPACE: 'Pulsehouse',
    },
  });
}

async function measured(
  sandbox: Sandbox,
  event: unknown,
  since = { begun: performance.now(), cpu: cpuOf(sandbox.pid) },
  outcome?: string,
): Promise<Cost> {
  const answer = await sandbox.invoke(event);
  if (!answer.ok) throw new Error(answer.error);
  if (outcome !== undefined && answer.result['outcome'] !== outcome)
    throw new Error(`ended ${answer.result['outcome']}, not ${outcome}`);
  return { wall: performance.now() - since.begun, cpu: cpuOf(sandbox.pid) - since.cpu };
}

/** CPU time of a process so far, its own and the kernel's, milliseconds. */
function cpuOf(pid: number): number {
  const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const fields = rest.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MILLISECONDS_A_TICK;
}

function publish(round: number): Promise<number> {
  return publishEvents(stack.environment, `${TOPIC}-partition-0`, {
    entries: 1,
    messagesAnEntry: 100,
    from: round * 100,
  });
}

async function publishBacklog(): Promise<void> {
  const wire = { serviceUrl: stack.environment['PULSAR_SERVICE_URL'] ?? '', environment, log: createLog() };
  const producer = await openProducer(wire, `${TOPIC}-partition-0`, { compression: 'lz4' });
  const payload = (id: number) => Buffer.from(JSON.stringify({ id, padding: 'x'.repeat(275) }));
  for (let from = 0; from < BACKLOG; from += AN_ENTRY) {
    await producer.sendBatch(Array.from({ length: AN_ENTRY }, (_, at) => ({ payload: payload(from + at) })));
  }
  await producer.close();
}

function median(values: readonly number[]): number {
  return Math.round([...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN);
}

function mean(values: readonly number[]): number {
  return Math.round(values.reduce((sum, value) => sum + value, 0) / values.length);
}
