import { ConditionalCheckFailedException, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { Attributes } from './item-codec.ts';
import { ITEM } from './keys.ts';
import { ask, type StateTable } from './state-table.ts';

/**
 * Writes a record that may be written again: by the same epoch it is the same record, by a newer one it counts more.
 * One that a newer epoch wrote stays, silently: its zombie has nothing to add.
 */
export async function putRecord(
  table: StateTable,
  item: Attributes,
  epoch: number,
  deadline: number,
): Promise<void> {
  const command = new PutItemCommand({
    TableName: table.name,
    Item: item,
    ConditionExpression: 'attribute_not_exists(#item) OR #epoch <= :epoch',
    ExpressionAttributeNames: { '#item': ITEM, '#epoch': 'epoch' },
    ExpressionAttributeValues: marshall({ ':epoch': epoch }),
  });
  try {
    await ask(table, deadline, (options) => table.client.send(command, options));
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
}
