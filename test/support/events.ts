import { systemEnvironment as environment } from '../../lib/assembly/environment.ts';
import { createLog } from '../../lib/assembly/log.ts';
import { readSettings } from '../../lib/assembly/settings.ts';
import { initialise } from '../../lib/initialise/initialise.ts';
import type { Pipeline } from '../../lib/pipeline/pipeline.ts';
import { openProducer } from '../../lib/pulsar/wire/producer.ts';

/** The smallest pipeline there is: events `{ id, padding }` into a table of ids. An id says at once what is lost or doubled. */
export const EVENTS_DDL = `
CREATE DATABASE IF NOT EXISTS {database:Identifier};
CREATE TABLE {database:Identifier}.{table:Identifier} (
  id UInt64, _partition UInt32, _ledger Int64, _entry Int64, _index UInt32, _row UInt32,
  PROJECTION _positions (SELECT _partition, _ledger, _entry, _index, _row ORDER BY _partition, _ledger, _entry, _index, _row)
) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 10000;
`;

export const EVENTS_SOURCE = {
  source: { format: 'json', fields: { id: 'UInt64' } },
  columns: { id: 'id' },
} as const;

/** Named by their variables, as a function or a command finds them. */
export type ServerAddresses = Readonly<Record<string, string>>;

const SETUP_MS = 60_000;

/** Creates the topic, and then whatever `init` creates. */
export async function setUpEvents(
  servers: ServerAddresses,
  pipeline: Pipeline,
  partitions: number,
): Promise<void> {
  await createTopic(servers, pipeline.topic, partitions);
  await initialise(
    pipeline,
    readSettings(servers),
    { environment, log: createLog() },
    { ddl: EVENTS_DDL, deadline: environment.now() + SETUP_MS },
  );
}

export async function createTopic(
  servers: ServerAddresses,
  topic: string,
  partitions: number,
): Promise<void> {
  const url = `${servers['PULSAR_ADMIN_URL']}/admin/v2/${topic.replace('://', '/')}/partitions`;
  const headers = { 'content-type': 'application/json' };
  const created = await fetch(url, { method: 'PUT', headers, body: String(partitions) });
  if (!created.ok)
    throw new Error(`${topic} could not be created: ${created.status} ${await created.text()}`);
}

export interface Publication {
  readonly entries: number;
  readonly messagesAnEntry: number;
  /** Id of the first message; the others follow. */
  readonly from: number;
}

/** Publishes one batch of these payloads to one partition's topic. */
export async function publishPayloads(
  servers: ServerAddresses,
  partitionTopic: string,
  payloads: readonly string[],
): Promise<void> {
  const wire = { serviceUrl: servers['PULSAR_SERVICE_URL'] ?? '', environment, log: createLog() };
  const producer = await openProducer(wire, partitionTopic);
  await producer.sendBatch(payloads.map((payload) => ({ payload: Buffer.from(payload) })));
  await producer.close();
}

/** Publishes batches to one partition's topic; answers the id after the last. */
export async function publishEvents(
  servers: ServerAddresses,
  partitionTopic: string,
  { entries, messagesAnEntry, from }: Publication,
): Promise<number> {
  const wire = { serviceUrl: servers['PULSAR_SERVICE_URL'] ?? '', environment, log: createLog() };
  const producer = await openProducer(wire, partitionTopic, { compression: 'lz4' });
  const event = (id: number) => ({ payload: Buffer.from(JSON.stringify({ id, padding: 'x'.repeat(120) })) });
  const sent: Promise<unknown>[] = [];
  for (let entry = 0; entry < entries; entry++) {
    const first = from + entry * messagesAnEntry;
    sent.push(
      producer.sendBatch(Array.from({ length: messagesAnEntry }, (_, index) => event(first + index))),
    );
  }
  await Promise.all(sent);
  await producer.close();
  return from + entries * messagesAnEntry;
}
