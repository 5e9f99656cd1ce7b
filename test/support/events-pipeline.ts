import { type Connections, connect } from '../../lib/assembly/connections.ts';
import { systemEnvironment as environment } from '../../lib/assembly/environment.ts';
import { readSettings } from '../../lib/assembly/settings.ts';
import { type CycleResult, runCycle } from '../../lib/checkpoint/cycle.ts';
import { parsePipeline } from '../../lib/configuration/parse.ts';
import { type ConsumeResult, consume } from '../../lib/consume/consume.ts';
import type { AuditPolicy, Pipeline } from '../../lib/pipeline/pipeline.ts';
import type { Log } from '../../lib/ports/log.ts';
import { audit } from '../../lib/replay/audit/audit.ts';
import type { AuditReport } from '../../lib/replay/audit/audit-report.ts';
import { EVENTS_SOURCE, publishEvents, setUpEvents } from './events.ts';
import type { Place } from './place.ts';

const INVOCATION_MS = 60_000;
const MESSAGES_AN_ENTRY = 10;

/** A pipeline of events on the shared servers, with its functions as plain calls. */
export interface EventsPipeline {
  readonly pipeline: Pipeline;
  readonly ports: Connections;
  /** Publishes to every partition. */
  publish(entries: number): Promise<void>;
  readonly published: number;
  consume(partition?: number): Promise<ConsumeResult>;
  /** The only partition, with the section `audit` changed. */
  consumeWith(audit: Partial<AuditPolicy>): Promise<ConsumeResult>;
  cycle(): Promise<CycleResult>;
  audit(): Promise<AuditReport>;
  close(): Promise<void>;
}

/** Says nothing: what a test wants to know it asks. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silentLog,
};

export async function openEventsPipeline(place: Place, partitions = 1): Promise<EventsPipeline> {
  useCredentialsOf(place);
  const pipeline = describe(place);
  await setUpEvents(place.environment, pipeline, partitions);
  const around = { environment, log: silentLog };
  const ports = await connect(pipeline, readSettings(place.environment), around);
  const dependencies = { ...ports, ...around, pipeline };
  const request = () => ({ owner: environment.uniqueId(), deadline: environment.now() + INVOCATION_MS });
  let published = 0;
  return {
    pipeline,
    ports,
    get published() {
      return published;
    },
    async publish(entries) {
      for (const topic of await ports.transport.partitions(pipeline.topic, request().deadline)) {
        const publication = { entries, messagesAnEntry: MESSAGES_AN_ENTRY, from: published };
        published = await publishEvents(place.environment, topic, publication);
      }
    },
    consume: (partition = 0) => consume(dependencies, { ...request(), partition, until: 'drained' }),
    consumeWith: (audit) =>
      consume(
        { ...dependencies, pipeline: { ...pipeline, audit: { ...pipeline.audit, ...audit } } },
        { ...request(), partition: 0, until: 'drained' },
      ),
    // Consumers are called by the test itself, before or after.
    cycle: () => runCycle({ ...dependencies, invoker: { invoke: async () => undefined } }, request()),
    audit: () => audit(dependencies, {}, { deadline: request().deadline }),
    close: () => ports.close(),
  };
}

/** Region and credentials are the SDK's own business: it looks for them in the process's environment. */
export function useCredentialsOf({ environment: servers }: Place): void {
  for (const name of ['AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
    process.env[name] = servers[name];
}

function describe(place: Place): Pipeline {
  const text = JSON.stringify({
    name: 'events',
    topic: place.topic('events'),
    subscription: 'pulsehouse-events',
    target: { database: place.database, table: 'events' },
    ...EVENTS_SOURCE,
    batch: { maxRows: 50, insertTimeout: '3s' },
    checkpoint: { flushTimeout: '1s' },
    consume: { lease: '2s' },
  });
  const { pipeline, problems } = parsePipeline(text, 'events.yml');
  if (!pipeline) throw new Error(`the test's pipeline is wrong: ${JSON.stringify(problems)}`);
  return pipeline;
}
