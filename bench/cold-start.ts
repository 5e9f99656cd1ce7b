import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStack } from '../infra/local/stack.ts';
import { parsePipeline } from '../lib/configuration/parse.ts';
import { EVENTS_SOURCE, publishEvents, setUpEvents } from '../test/support/events.ts';
import { nodeBinary } from '../test/support/node-runtime.ts';
import { Sandbox } from '../test/support/sandbox.ts';
import { packageService } from '../test/support/serverless.ts';

/**
 * `npx tsx bench/cold-start.ts`: milliseconds from the start of a process to the answer of its first invocation, which
 * consumes one entry: connections, lease, intent, insert and commit included. And to that of a warm one, and of a busy one.
 */
const NODE = 24;
const ROUNDS = 9;
const TOPIC = 'persistent://public/default/cold-start';

const directory = await mkdtemp(join(tmpdir(), 'pulsehouse-cold-start-'));
const stack = await startStack({ directory: join(directory, 'stack'), ephemeral: true });
try {
  for (const name of ['AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
    process.env[name] = stack.environment[name];
  const text = JSON.stringify({
    name: 'cold',
    topic: TOPIC,
    subscription: 'cold',
    target: { database: 'cold', table: 'events' },
    ...EVENTS_SOURCE,
  });
  const file = join(directory, 'pipeline.yml');
  await writeFile(file, text);
  const { pipeline } = parsePipeline(text, file);
  if (!pipeline) throw new Error('the pipeline is wrong');
  await setUpEvents(stack.environment, pipeline, 1);
  const packaged = await packageService({ pipelines: file }, {});
  execFileSync('python3', ['-m', 'zipfile', '-e', join(packaged.folder, 'consume.zip'), directory]);
  await packaged.remove();

  const node = await nodeBinary(NODE);
  const event = { pipeline: 'cold', partition: 0 };
  const times: Record<'cold' | 'warm' | 'empty', number[]> = { cold: [], warm: [], empty: [] };
  for (let round = 0; round < ROUNDS; round++) {
    await publish(round);
    const begun = performance.now();
    const sandbox = new Sandbox({
      node,
      bundle: join(directory, 'functions', 'consume.mjs'),
      environment: {
        ...stack.environment,
        POWERTOOLS_LOG_LEVEL: 'SILENT',
        POWERTOOLS_METRICS_NAMESPACE: 'P',
      },
    });
    times.cold.push(await timed(begun, sandbox));
    await publish(ROUNDS + round);
    times.warm.push(await timed(performance.now(), sandbox));
    times.empty.push(await timed(performance.now(), sandbox));
    await sandbox.end();
  }
  const medians = Object.entries(times).map(([name, all]) => [`${name}Milliseconds`, median(all)]);
  process.stdout.write(`${JSON.stringify({ node: NODE, rounds: ROUNDS, ...Object.fromEntries(medians) })}\n`);

  async function timed(begun: number, sandbox: Sandbox): Promise<number> {
    const answer = await sandbox.invoke(event);
    if (!answer.ok) throw new Error(answer.error);
    return performance.now() - begun;
  }
} finally {
  await stack.stop();
  await rm(directory, { recursive: true, force: true });
}

function publish(round: number): Promise<number> {
  return publishEvents(stack.environment, `${TOPIC}-partition-0`, {
    entries: 1,
    messagesAnEntry: 100,
    from: round * 100,
  });
}

function median(values: readonly number[]): number {
  return Math.round([...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN);
}
