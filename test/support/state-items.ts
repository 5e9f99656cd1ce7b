import { type AttributeValue, DeleteItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { systemEnvironment as environment } from '../../lib/assembly/environment.ts';
import { keyOf } from '../../lib/dynamodb/keys.ts';
import { openStateTable } from '../../lib/dynamodb/state-table.ts';
import type { Place } from './place.ts';

/** Deletes items of the place's state table past every condition; answers how many. */
export async function deleteItems(
  { environment: servers }: Place,
  isWanted: (item: Readonly<Record<string, AttributeValue>>) => boolean,
): Promise<number> {
  const { client, name } = openStateTable({
    table: servers['PULSEHOUSE_STATE_TABLE'] ?? '',
    endpoint: servers['AWS_ENDPOINT_URL'],
    environment,
  });
  const { Items = [] } = await client.send(new ScanCommand({ TableName: name, ConsistentRead: true }));
  const wanted = Items.filter(isWanted);
  for (const item of wanted) {
    await client.send(new DeleteItemCommand({ TableName: name, Key: { ...keyOf(item) } }));
  }
  client.destroy();
  return wanted.length;
}
