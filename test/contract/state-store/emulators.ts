import { randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, inject } from 'vitest';
import { startStack } from '../../../infra/local/stack.ts';
import { systemEnvironment } from '../../../lib/assembly/environment.ts';
import { openStateTable, type StateTable } from '../../../lib/dynamodb/state-table.ts';
import { ensureStateTable } from '../../../lib/dynamodb/table-setup.ts';

/** A DynamoDB to test against, there once the tests of its file run. */
export interface Emulator {
  readonly name: string;
  endpoint(): string;
}

/** The one of the shared stack. */
export const ministack: Emulator = {
  name: 'ministack',
  endpoint: () => inject('stack')['AWS_ENDPOINT_URL'] ?? '',
};

/** Amazon's own engine, the stricter referee; started for the calling file alone. */
export function dynamodbLocal(): Emulator {
  let endpoint = '';
  let stop: () => Promise<void> = async () => undefined;
  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'pulsehouse-dynamodb-'));
    const stack = await startStack({ directory, servers: ['dynamodb-local'], ephemeral: true });
    stop = () => stack.stop();
    endpoint = stack.environment['AWS_ENDPOINT_URL_DYNAMODB'] ?? '';
  });
  afterAll(() => stop());
  return { name: 'DynamoDB Local', endpoint: () => endpoint };
}

export function tableAt(endpoint: string, table = `contract-${randomUUID()}`): StateTable {
  return openStateTable({
    table,
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    environment: systemEnvironment,
  });
}

export async function readyTable(endpoint: string): Promise<StateTable> {
  const table = tableAt(endpoint);
  await ensureStateTable(table, soon());
  return table;
}

/** A deadline that no call of a test should need. */
export function soon(): number {
  return systemEnvironment.now() + 30_000;
}
