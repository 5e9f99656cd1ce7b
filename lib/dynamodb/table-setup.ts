import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type TableDescription,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { isAwsError } from '../aws/request.ts';
import { isPulsehouseError, messageOf, PulsehouseError } from '../pipeline/errors.ts';
import { EXPIRES, ITEM, SCOPE } from './keys.ts';
import { ask, type StateTable } from './state-table.ts';

const POLL = 200;

/**
 * Creates the state table if it is missing and sees to its expiry attribute. Safe to run twice, and by two at once.
 * @throws PulsehouseError PH_STATE_TABLE_FOREIGN when a table of that name has other keys.
 */
export async function ensureStateTable(table: StateTable, deadline: number): Promise<'found' | 'created'> {
  const found = await describe(table, deadline);
  const made = found ? 'found' : await create(table, deadline);
  await untilActive(table, deadline);
  await ensureExpiry(table, deadline);
  return made;
}

async function describe(table: StateTable, deadline: number): Promise<TableDescription | undefined> {
  try {
    const command = new DescribeTableCommand({ TableName: table.name });
    const { Table } = await ask(table, deadline, (options) => table.client.send(command, options));
    return Table;
  } catch (error) {
    if (isPulsehouseError(error) && error.code === 'PH_STATE_MISSING') return undefined;
    throw error;
  }
}

async function create(table: StateTable, deadline: number): Promise<'found' | 'created'> {
  const command = new CreateTableCommand({
    TableName: table.name,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: SCOPE, AttributeType: 'S' },
      { AttributeName: ITEM, AttributeType: 'S' },
    ],
    KeySchema: [
      { AttributeName: SCOPE, KeyType: 'HASH' },
      { AttributeName: ITEM, KeyType: 'RANGE' },
    ],
  });
  try {
    await ask(table, deadline, (options) => table.client.send(command, options));
    return 'created';
  } catch (error) {
    if (isPulsehouseError(error) && isAwsError(error.cause, 'ResourceInUseException')) return 'found';
    throw error;
  }
}

async function untilActive(table: StateTable, deadline: number): Promise<void> {
  for (;;) {
    const found = await describe(table, deadline);
    if (found) checkKeys(table, found);
    if (found?.TableStatus === 'ACTIVE' || found?.TableStatus === 'UPDATING') return;
    await table.environment.sleep(POLL);
  }
}

function checkKeys(table: StateTable, found: TableDescription): void {
  const keys = (found.KeySchema ?? []).map((key) => `${key.AttributeName} (${key.KeyType})`).join(', ');
  if (keys === `${SCOPE} (HASH), ${ITEM} (RANGE)`) return;
  throw new PulsehouseError(
    'PH_STATE_TABLE_FOREIGN',
    `DynamoDB table "${table.name}" has the keys ${keys}, not ${SCOPE} (HASH), ${ITEM} (RANGE)`,
    { where: { table: table.name, server: table.server } },
  );
}

async function ensureExpiry(table: StateTable, deadline: number): Promise<void> {
  const question = new DescribeTimeToLiveCommand({ TableName: table.name });
  const { TimeToLiveDescription: found } = await ask(table, deadline, (options) =>
    table.client.send(question, options),
  );
  if (found?.TimeToLiveStatus === 'ENABLED' || found?.TimeToLiveStatus === 'ENABLING') return;
  const command = new UpdateTimeToLiveCommand({
    TableName: table.name,
    TimeToLiveSpecification: { AttributeName: EXPIRES, Enabled: true },
  });
  try {
    await ask(table, deadline, (options) => table.client.send(command, options));
  } catch (error) {
    // Of two that set it up at once the slower one is told so by this message alone: the code is that of any bad request.
    if (!(isPulsehouseError(error) && messageOf(error.cause).includes('already enabled'))) throw error;
  }
}
