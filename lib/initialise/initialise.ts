import { connect } from '../assembly/connections.ts';
import { openAdmin, openBucket, openServer, openStateTable, type Surroundings } from '../assembly/servers.ts';
import type { Settings } from '../assembly/settings.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { ensureBeginnings } from './beginnings.ts';
import { checkPolicies } from './policies.ts';
import type { InitStep, Tell } from './step.ts';
import { ensureStores } from './stores.ts';
import { ensureTarget } from './target.ts';

export interface InitOptions {
  /** SQL that makes the target where it is missing; `{database:Identifier}` and `{table:Identifier}` stand for its name. */
  readonly ddl: string | undefined;
  /** Every outside call ends by it (ms since the epoch). */
  readonly deadline: number;
  /** Called with each step as it is done. */
  readonly tell?: Tell | undefined;
}

export interface InitReport {
  readonly pipeline: string;
  readonly partitions: number;
  readonly steps: readonly InitStep[];
}

/**
 * Makes whatever a pipeline needs and is missing, and refuses what cannot hold the guarantees. Whatever is there stays
 * as it is, so that it may be run any number of times. What could be refused is looked at before anything is made,
 * except the stores, which are needed to look.
 * @throws PulsehouseError PH_PULSAR_TOPIC_NOT_FOUND (a topic is never created), PH_TOPIC_FORGETS, PH_TABLE_MISSING,
 * PH_TABLE_UNFIT, PH_STATE_LOST, PH_STATE_TABLE_FOREIGN.
 */
export async function initialise(
  pipeline: Pipeline,
  settings: Settings,
  around: Surroundings,
  { ddl, deadline, tell = () => undefined }: InitOptions,
): Promise<InitReport> {
  const steps: InitStep[] = [];
  const note: Tell = (step) => {
    steps.push(step);
    tell(step);
  };
  const ports = await connect(pipeline, settings, around, ['transport', 'sink', 'state', 'objects']);
  const table = await openStateTable(settings, around);
  const bucket = await openBucket(settings, around);
  const server = await openServer(settings, pipeline);
  try {
    const topics = await ports.transport.partitions(pipeline.topic, deadline);
    note({ outcome: 'found', message: `topic ${pipeline.topic}, ${topics.length} partition(s)` });
    await checkPolicies(pipeline, await openAdmin(settings, around), note);
    await ensureStores(table, bucket, deadline, note);
    await ensureTarget(pipeline, server, ddl, around.environment, deadline, note);
    await ensureBeginnings({ ...ports, pipeline, environment: around.environment }, topics, deadline, note);
    return { pipeline: pipeline.name, partitions: topics.length, steps };
  } finally {
    await ports.close();
    await server.close();
    table.client.destroy();
    bucket.client.destroy();
  }
}
