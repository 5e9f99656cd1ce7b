import { QueryCommand, type QueryCommandOutput } from '@aws-sdk/client-dynamodb';
import type { Attributes } from './item-codec.ts';
import { ITEM, SCOPE } from './keys.ts';
import { ask, type StateTable } from './state-table.ts';

export interface ItemRange {
  readonly scope: string;
  /** What the sort keys start with. */
  readonly prefix: string;
  readonly order: 'ascending' | 'descending';
  /** At most so many items; all of them when left out. */
  readonly limit?: number;
}

/** Every item of the range, page after page, each read consistently. */
export async function queryItems(
  table: StateTable,
  range: ItemRange,
  deadline: number,
): Promise<readonly Attributes[]> {
  const limit = range.limit ?? Number.POSITIVE_INFINITY;
  const items: Attributes[] = [];
  let next: Attributes | undefined;
  do {
    const command: QueryCommand = new QueryCommand({
      TableName: table.name,
      KeyConditionExpression: '#scope = :scope AND begins_with(#item, :prefix)',
      ExpressionAttributeNames: { '#scope': SCOPE, '#item': ITEM },
      ExpressionAttributeValues: { ':scope': { S: range.scope }, ':prefix': { S: range.prefix } },
      ConsistentRead: true,
      ScanIndexForward: range.order === 'ascending',
      ...(Number.isFinite(limit) && { Limit: limit - items.length }),
      ...(next && { ExclusiveStartKey: next }),
    });
    const page: QueryCommandOutput = await ask(table, deadline, (options) =>
      table.client.send(command, options),
    );
    items.push(...(page.Items ?? []));
    next = page.LastEvaluatedKey;
  } while (next && items.length < limit);
  return items;
}
