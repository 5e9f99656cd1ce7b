import { randomUUID } from 'node:crypto';
import { test as base, inject } from 'vitest';
import type { StackEnvironment } from '../../infra/local/server-plan.ts';

/** What one test has to itself on the shared servers. */
export interface Place {
  /** The stack's addresses, with a state table and a bucket of this test's own (named, not created). */
  readonly environment: StackEnvironment;
  /** Pulsar namespace, `tenant/name`. */
  readonly namespace: string;
  /** ClickHouse database. */
  readonly database: string;
  /** Full name of a topic in the namespace. */
  topic(name: string): string;
  /** Runs one statement in ClickHouse and answers its output, as the format asked for has it. */
  query(sql: string): Promise<string>;
  /** Asks Pulsar's administration; the path begins after `/admin/v2/`. Answers the body. */
  admin(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<string>;
}

/** A test with a `place`: namespace, database, state table and bucket that no other test sees. */
export const test = base.extend<{ place: Place }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the pattern to know what the fixture needs.
  place: async ({}, use) => {
    const place = await createPlace(inject('stack'));
    await use(place);
    await place.query(`DROP DATABASE IF EXISTS ${place.database}`);
    // A broker of somebody else's may not allow it: the namespace then stays, under a name of its own.
    await place.admin('DELETE', `namespaces/${place.namespace}?force=true`).catch(() => undefined);
  },
});

export async function createPlace(stack: StackEnvironment): Promise<Place> {
  const id = randomUUID().slice(0, 8);
  const namespace = `public/test-${id}`;
  const database = `test_${id}`;
  const environment = {
    ...stack,
    PULSEHOUSE_STATE_TABLE: `test-${id}`,
    PULSEHOUSE_BUCKET: `test-${id}`,
  };
  const place: Place = {
    environment,
    namespace,
    database,
    topic: (name) => `persistent://${namespace}/${name}`,
    query: (sql) => query(environment, sql),
    admin: (method, path, body) => admin(environment, method, path, body),
  };
  await Promise.all([
    place.admin('PUT', `namespaces/${namespace}`),
    place.query(`CREATE DATABASE ${database}`),
  ]);
  return place;
}

async function query(environment: StackEnvironment, sql: string): Promise<string> {
  const response = await fetch(required(environment, 'CLICKHOUSE_URL'), {
    method: 'POST',
    headers: {
      'x-clickhouse-user': required(environment, 'CLICKHOUSE_USER'),
      'x-clickhouse-key': required(environment, 'CLICKHOUSE_PASSWORD'),
    },
    body: sql,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`ClickHouse answered ${response.status} to ${sql}: ${text}`);
  return text;
}

async function admin(
  environment: StackEnvironment,
  method: string,
  path: string,
  body?: unknown,
): Promise<string> {
  const token = environment['PULSAR_TOKEN'];
  const response = await fetch(`${required(environment, 'PULSAR_ADMIN_URL')}/admin/v2/${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`Pulsar answered ${response.status} to ${method} ${path}: ${text}`);
  return text;
}

function required(environment: StackEnvironment, name: string): string {
  const value = environment[name];
  if (value === undefined) throw new Error(`the stack names no ${name}`);
  return value;
}
