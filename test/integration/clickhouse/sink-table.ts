import { randomUUID } from 'node:crypto';
import type { ClickHouseSettings } from '@clickhouse/client';
import { test as base, inject } from 'vitest';
import type { StackEnvironment } from '../../../infra/local/server-plan.ts';
import type { Answer } from '../../../lib/clickhouse/endpoint.ts';
import { Questions } from '../../../lib/clickhouse/questions.ts';
import { type Request, Server, type ServerSettings } from '../../../lib/clickhouse/server.ts';
import { ClickHouseSink } from '../../../lib/clickhouse/sink.ts';
import type { Mapping } from '../../../lib/clickhouse/statement.ts';
import type { SinkSubject } from '../../contract/sink/contract.ts';

export interface SinkTable extends SinkSubject {
  readonly mapping: Mapping;
  readonly server: Server;
  readonly questions: Questions;
  readonly credentials: ServerSettings;
  /** `database.table`. */
  readonly name: string;
  query(sql: string): Promise<string>;
  /** A sink on the same table for another user. */
  as(username: string, password: string): ClickHouseSink;
  /** The server for a user whose profile has these settings: to it the same as settings of each request. */
  serverFor(profile: ClickHouseSettings): Server;
  /** A sink for such a user. */
  withProfile(profile: ClickHouseSettings): ClickHouseSink;
}

export interface SinkTableOptions {
  readonly window: number;
  readonly columns?: Readonly<Record<string, string>>;
  readonly fields?: Readonly<Record<string, string>>;
  /** Further columns, constraints or projections of the table. */
  readonly also?: readonly string[];
  readonly settings?: readonly string[];
}

export const PROJECTION =
  'PROJECTION _positions (SELECT _partition, _ledger, _entry, _index, _row ORDER BY _partition, _ledger, _entry, _index, _row)';

function credentialsOf(environment: StackEnvironment): ServerSettings {
  return {
    endpoints: [{ url: environment['CLICKHOUSE_URL'] ?? '' }],
    username: environment['CLICKHOUSE_USER'] ?? '',
    password: environment['CLICKHOUSE_PASSWORD'] ?? '',
  };
}

class ProfileServer extends Server {
  readonly #profile: ClickHouseSettings;

  constructor(credentials: ServerSettings, profile: ClickHouseSettings) {
    super(credentials);
    this.#profile = profile;
  }

  override answer(request: Request): Promise<Answer> {
    return super.answer({ ...request, settings: { ...this.#profile, ...request.settings } });
  }
}

/** A new table of `{ day, value }` messages, partitioned by day, with a sink on it. */
export async function openSinkTable(
  environment: StackEnvironment,
  database: string,
  { also = [PROJECTION], columns, fields, settings = [], window }: SinkTableOptions,
): Promise<SinkTable> {
  const table = `events_${randomUUID().slice(0, 8)}`;
  const mapping: Mapping = {
    target: { database, table },
    source: { format: 'json', fields: fields ?? { day: 'Date', value: 'Int64' } },
    columns: columns ?? { day: 'day', value: 'value' },
  };
  const credentials = credentialsOf(environment);
  const server = new Server(credentials);
  const query = (sql: string): Promise<string> => server.run({ sql, timeout: 30_000 });
  const serverFor = (profile: ClickHouseSettings): Server => new ProfileServer(credentials, profile);
  const definitions = [
    '_partition UInt32, _ledger Int64, _entry Int64, _index UInt32, _row UInt32, day Date, value Int64',
    ...also,
  ];
  await query(`CREATE DATABASE IF NOT EXISTS ${database}`);
  await query(
    `CREATE TABLE ${database}.${table} (${definitions.join(', ')}) ENGINE = MergeTree PARTITION BY day ORDER BY value
SETTINGS ${[`non_replicated_deduplication_window = ${window}`, ...settings].join(', ')}`,
  );
  const environmentClock = { now: () => Date.now() };
  return {
    sink: new ClickHouseSink(mapping, server, environmentClock),
    deadline: () => Date.now() + 30_000,
    uniqueId: () => randomUUID(),
    mapping,
    server,
    questions: new Questions(server, mapping.target, environmentClock.now),
    credentials,
    name: `${database}.${table}`,
    query,
    serverFor,
    withProfile: (profile) => new ClickHouseSink(mapping, serverFor(profile), environmentClock),
    as: (username, password) =>
      new ClickHouseSink(mapping, new Server({ endpoints: [server], username, password }), environmentClock),
  };
}

/** A test that may open any number of sink tables, each in a database that goes when the test is over. */
export const test = base.extend<{ openTable(options: SinkTableOptions): Promise<SinkTable> }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the pattern to know what the fixture needs.
  openTable: async ({}, use) => {
    const database = `sink_${randomUUID().slice(0, 8)}`;
    const opened: SinkTable[] = [];
    await use(async (options) => {
      const table = await openSinkTable(inject('stack'), database, options);
      opened.push(table);
      return table;
    });
    await opened[0]?.query(`DROP DATABASE IF EXISTS ${database} SYNC`);
    await Promise.all(opened.map(({ sink }) => sink.close()));
  },
});
