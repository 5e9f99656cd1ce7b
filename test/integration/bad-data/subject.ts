import { type Connections, connect } from '../../../lib/assembly/connections.ts';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { readSettings } from '../../../lib/assembly/settings.ts';
import { parsePipeline } from '../../../lib/configuration/parse.ts';
import { type ConsumeResult, consume } from '../../../lib/consume/consume.ts';
import { initialise } from '../../../lib/initialise/initialise.ts';
import type { Pipeline } from '../../../lib/pipeline/pipeline.ts';
import { openProducer } from '../../../lib/pulsar/wire/producer.ts';
import { audit } from '../../../lib/replay/audit/audit.ts';
import type { AuditReport } from '../../../lib/replay/audit/audit-report.ts';
import type { PlanDependencies } from '../../../lib/replay/replay/plan.ts';
import { createTopic } from '../../support/events.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import type { Place } from '../../support/place.ts';

const INVOCATION_MS = 60_000;

/** Undefined is a null value, a tombstone. */
export type Payload = string | Uint8Array | undefined;

export interface PayloadsOptions {
  readonly fields: Readonly<Record<string, string>>;
  readonly columns: Readonly<Record<string, string>>;
  /** The table's own columns, as in CREATE TABLE. */
  readonly table: string;
  /** What follows its engine. @default ORDER BY tuple() */
  readonly tail?: string;
  /** Further sections of the pipeline's file, and further keys of `source`. */
  readonly also?: Readonly<Record<string, unknown>>;
  readonly source?: Readonly<Record<string, unknown>>;
}

/** A pipeline of one partition on the shared servers, into which a test publishes the payloads it likes. */
export interface Payloads {
  readonly pipeline: Pipeline;
  readonly ports: Connections;
  readonly dependencies: PlanDependencies;
  /** `database.table`. */
  readonly table: string;
  /** Each list is one entry. */
  publish(...entries: readonly (readonly Payload[])[]): Promise<void>;
  consume(): Promise<ConsumeResult>;
  /** The same pipeline with other sections. */
  consumeAs(also: Partial<Pipeline>): Promise<ConsumeResult>;
  audit(): Promise<AuditReport>;
  /** Rows of a SELECT over the table. */
  rows(columns: string, tail?: string): Promise<string>;
  close(): Promise<void>;
}

export async function openPayloads(place: Place, options: PayloadsOptions): Promise<Payloads> {
  for (const name of ['AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
    process.env[name] = place.environment[name];
  const pipeline = describe(place, options);
  await createTopic(place.environment, pipeline.topic, 1);
  const settings = readSettings(place.environment);
  const around = { environment, log: silentLog };
  const deadline = () => environment.now() + INVOCATION_MS;
  await initialise(pipeline, settings, around, { ddl: ddlOf(options), deadline: deadline() });
  const ports = await connect(pipeline, settings, around);
  const dependencies: PlanDependencies = { ...ports, ...around, pipeline };
  const table = `${pipeline.target.database}.${pipeline.target.table}`;
  const consumeAs = (also: Partial<Pipeline>) =>
    consume(
      { ...dependencies, pipeline: { ...pipeline, ...also } },
      { partition: 0, owner: environment.uniqueId(), deadline: deadline(), until: 'drained' },
    );
  return {
    pipeline,
    ports,
    dependencies,
    table,
    async publish(...entries) {
      const wire = {
        serviceUrl: place.environment['PULSAR_SERVICE_URL'] ?? '',
        environment,
        log: silentLog,
      };
      const [topic = ''] = await ports.transport.partitions(pipeline.topic, deadline());
      const producer = await openProducer(wire, topic, { compression: 'lz4' });
      await Promise.all(
        entries.map((payloads) =>
          producer.sendBatch(
            payloads.map((payload) => ({
              key: 'k',
              payload: payload === undefined ? undefined : Buffer.from(payload),
            })),
          ),
        ),
      );
      await producer.close();
    },
    consume: () => consumeAs({}),
    consumeAs,
    audit: () => audit(dependencies, {}, { deadline: deadline() }),
    rows: (columns, tail = '') => place.query(`SELECT ${columns} FROM ${table} ${tail} FORMAT TSV`),
    close: () => ports.close(),
  };
}

function describe(place: Place, { fields, columns, also, source }: PayloadsOptions): Pipeline {
  const text = JSON.stringify({
    name: 'payloads',
    topic: place.topic('payloads'),
    target: { database: place.database, table: 'payloads' },
    source: { fields, ...source },
    columns,
    consume: { lease: '2s' },
    ...also,
  });
  const { pipeline, problems } = parsePipeline(text, 'payloads.yml');
  if (!pipeline) throw new Error(`the test's pipeline is wrong: ${JSON.stringify(problems)}`);
  return pipeline;
}

function ddlOf({ table: columns, tail = 'ORDER BY tuple()' }: PayloadsOptions): string {
  return `
CREATE DATABASE IF NOT EXISTS {database:Identifier};
CREATE TABLE {database:Identifier}.{table:Identifier} (
  ${columns}, _partition UInt32, _ledger Int64, _entry Int64, _index UInt32, _row UInt32,
  PROJECTION _positions (SELECT _partition, _ledger, _entry, _index, _row ORDER BY _partition, _ledger, _entry, _index, _row)
) ENGINE = MergeTree ${tail} SETTINGS non_replicated_deduplication_window = 10000;
`;
}
