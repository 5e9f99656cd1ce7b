import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connections, connect } from '../../lib/assembly/connections.ts';
import { systemEnvironment as environment } from '../../lib/assembly/environment.ts';
import { createLog } from '../../lib/assembly/log.ts';
import { readSettings } from '../../lib/assembly/settings.ts';
import { runCycle } from '../../lib/checkpoint/cycle.ts';
import { loadPipelines } from '../../lib/configuration/load.ts';
import { consume } from '../../lib/consume/consume.ts';
import type { Pipeline } from '../../lib/pipeline/pipeline.ts';
import { audit } from '../../lib/replay/audit/audit.ts';
import { bundle } from '../support/bundle.ts';
import { publishEvents, type ServerAddresses, setUpEvents } from '../support/events.ts';
import { Crowd } from './crowd.ts';
import { contradictions } from './witness.ts';

export interface FightOptions {
  readonly servers: ServerAddresses;
  readonly topic: string;
  readonly database: string;
  readonly seconds: number;
  readonly contenders: number;
  readonly partitions: number;
}

export interface FightResult {
  /** Writes to the state that were carried out, and leases taken among them. */
  readonly writes: number;
  readonly leases: number;
  /** Writes that nobody knows the outcome of. */
  readonly doubts: number;
  readonly freezes: number;
  readonly published: number;
  readonly rows: number;
  readonly missing: number;
  readonly doubled: number;
  /** Empty when nothing is wrong. */
  readonly contradictions: readonly string[];
  readonly exact: boolean;
}

const log = createLog();
const PUBLISH_EVERY = 250;
const CLOSING_TIME = 120_000;

/**
 * Contenders take the partitions' leases from each other while events come in, and are frozen and thawed at random.
 * Afterwards everything is drained, and two things are asked: what all the writers together tell of the state's history,
 * and what the product's own audit says of the rows.
 */
export async function fight(options: FightOptions): Promise<FightResult> {
  const { servers, partitions, seconds, contenders } = options;
  const folder = await mkdtemp(join(tmpdir(), 'pulsehouse-contention-'));
  const file = join(folder, 'pipeline.yml');
  const program = join(folder, 'contender.mjs');
  await writeFile(file, pipelineText(options));
  await bundle(new URL('contender.ts', import.meta.url), program);
  const pipeline = await onlyPipeline(file);
  await setUpEvents(servers, pipeline, partitions);
  const connections = await connect(pipeline, readSettings(servers), { environment, log });
  const crowd = new Crowd(program, [file, String(partitions)], contenders, { ...process.env, ...servers });
  try {
    const states = () =>
      connections.state.readPartitions(pipeline.name, partitions, environment.now() + CLOSING_TIME);
    const before = await states();
    await crowd.ready();
    const publishing = publishFor(options, seconds * 1_000);
    await crowd.torment(seconds * 1_000);
    const published = await publishing;
    await crowd.end();
    // What the processes told is complete here; what follows is written by this one.
    const wrong = contradictions(crowd.told, await states(), before);
    await drain(connections, pipeline, partitions);
    const report = await audit(
      { ...connections, pipeline, environment, log },
      {},
      { deadline: environment.now() + CLOSING_TIME },
    );
    return {
      ...count(crowd.told),
      freezes: crowd.freezes,
      published,
      rows: report.rows,
      missing: report.missing,
      doubled: report.doubled,
      contradictions: wrong,
      exact: report.exact && report.drained && report.messages === published,
    };
  } finally {
    crowd.kill();
    await connections.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function count(told: Crowd['told']): Pick<FightResult, 'writes' | 'leases' | 'doubts'> {
  const seen = told.flatMap((one) => ('version' in one ? [one] : []));
  return {
    writes: new Set(seen.map(({ writeId }) => writeId)).size,
    leases: new Set(seen.map(({ partition, epoch }) => `${partition}/${epoch}`)).size,
    doubts: told.length - seen.length,
  };
}

/** Small batches and the shortest lease there is: as many writes and as many changes of hands as can be. */
function pipelineText({ topic, database }: FightOptions): string {
  return `
name: contention
topic: ${topic}
target: { database: ${database}, table: contention }
source: { fields: { id: UInt64 } }
columns: { id: id }
batch: { maxRows: 500, maxWait: 200 ms, insertTimeout: 5 s }
checkpoint: { interval: 10 s, flushTimeout: 1 s }
consume: { lease: 2 s }
`;
}

async function onlyPipeline(file: string): Promise<Pipeline> {
  const { pipelines } = await loadPipelines([file]);
  const [pipeline] = pipelines;
  if (!pipeline) throw new Error(`${file} holds no pipeline`);
  return pipeline;
}

async function publishFor(
  { servers, topic, partitions }: FightOptions,
  milliseconds: number,
): Promise<number> {
  const until = environment.now() + milliseconds;
  let published = 0;
  while (environment.now() < until) {
    for (let partition = 0; partition < partitions; partition += 1) {
      const publication = { entries: 8, messagesAnEntry: 25, from: published };
      published = await publishEvents(servers, `${topic}-partition-${partition}`, publication);
    }
    await environment.sleep(PUBLISH_EVERY);
  }
  return published;
}

async function drain(connections: Connections, pipeline: Pipeline, partitions: number): Promise<void> {
  const dependencies = { ...connections, pipeline, environment, log };
  const deadline = environment.now() + CLOSING_TIME;
  for (let partition = 0; partition < partitions; partition += 1) {
    for (;;) {
      const owner = environment.uniqueId();
      const { outcome } = await consume(dependencies, { owner, partition, deadline, until: 'drained' });
      if (outcome === 'drained') break;
      if (outcome !== 'busy') throw new Error(`partition ${partition} ended ${outcome}`);
      await environment.sleep(100);
    }
  }
  const invoker = { invoke: async () => undefined };
  await runCycle({ ...dependencies, invoker }, { owner: environment.uniqueId(), deadline });
}
