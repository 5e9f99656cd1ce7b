import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemEnvironment } from '../../../lib/assembly/environment.ts';
import { createLog } from '../../../lib/assembly/log.ts';
import { parsePipeline } from '../../../lib/configuration/parse.ts';
import { openProducer } from '../../../lib/pulsar/wire/producer.ts';
import { EVENTS_SOURCE, type ServerAddresses, setUpEvents } from '../../support/events.ts';

export interface SubjectPlan {
  readonly environment: ServerAddresses;
  readonly folder: string;
  readonly mode: 'drain' | 'follow';
  readonly partitions: number;
}

/** A pipeline of its own with all settings left at their defaults. */
export interface Subject extends SubjectPlan {
  /** The pipeline file. */
  readonly file: string;
  readonly published: number;
  /** One entry of so many messages to every partition. */
  publish(messagesAnEntry: number): Promise<void>;
  rows(): Promise<{ readonly rows: number; readonly distinct: number }>;
  close(): Promise<void>;
}

type Producer = Awaited<ReturnType<typeof openProducer>>;

export async function openSubject(plan: SubjectPlan): Promise<Subject> {
  const name = `restarts-${randomUUID().slice(0, 8)}`;
  const environment: ServerAddresses = {
    ...plan.environment,
    PULSEHOUSE_STATE_TABLE: name,
    PULSEHOUSE_BUCKET: name,
  };
  const file = join(plan.folder, `${name}.yml`);
  const topic = `persistent://public/default/${name}`;
  const target = { database: name.replaceAll('-', '_'), table: 'events' };
  const text = JSON.stringify({
    ...{ name, topic, subscription: name, target, ...EVENTS_SOURCE },
    consume: { mode: plan.mode },
  });
  const { pipeline, problems } = parsePipeline(text, file);
  if (!pipeline) throw new Error(`the pipeline is wrong: ${JSON.stringify(problems)}`);
  await writeFile(file, text);
  await setUpEvents(environment, pipeline, plan.partitions);
  const wire = {
    serviceUrl: environment['PULSAR_SERVICE_URL'] ?? '',
    environment: systemEnvironment,
    log: createLog(),
  };
  const producers: Producer[] = [];
  for (let partition = 0; partition < plan.partitions; partition += 1) {
    producers.push(await openProducer(wire, `${topic}-partition-${partition}`, { compression: 'lz4' }));
  }
  let published = 0;
  return {
    ...plan,
    environment,
    file,
    get published() {
      return published;
    },
    async publish(messagesAnEntry) {
      const sent = producers.map((producer) => {
        const first = published;
        published += messagesAnEntry;
        return producer.sendBatch(
          Array.from({ length: messagesAnEntry }, (_, index) => event(first + index)),
        );
      });
      await Promise.all(sent);
    },
    rows: () => countRows(environment, `${target.database}.${target.table}`),
    async close() {
      await Promise.all(producers.map((producer) => producer.close()));
      await ask(environment, `DROP DATABASE ${target.database}`);
    },
  };
}

function event(id: number): { readonly payload: Buffer } {
  return { payload: Buffer.from(JSON.stringify({ id, padding: 'x'.repeat(120) })) };
}

async function countRows(
  servers: ServerAddresses,
  table: string,
): Promise<{ rows: number; distinct: number }> {
  const [rows = '0', distinct = '0'] = (
    await ask(servers, `SELECT count(), uniqExact(id) FROM ${table}`)
  ).split('\t');
  return { rows: Number(rows), distinct: Number(distinct) };
}

async function ask(servers: ServerAddresses, sql: string): Promise<string> {
  const response = await fetch(servers['CLICKHOUSE_URL'] ?? '', {
    method: 'POST',
    headers: {
      'x-clickhouse-user': servers['CLICKHOUSE_USER'] ?? '',
      'x-clickhouse-key': servers['CLICKHOUSE_PASSWORD'] ?? '',
    },
    body: sql,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`ClickHouse answered ${response.status}: ${text}`);
  return text.trim();
}
