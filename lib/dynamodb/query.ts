import { QueryCommand, type QueryCommandOutput } from '@aws-sdk/client-dynamodb';
import type { Attributes } from './item-codec.ts';
import { ITEM, SCOPE } from './keys.ts';
import { ask, type StateTable } from './state-table.ts';

export interface ItemRange {
  readonly scope: string;
  /** What the sort keys start with. */
  readonly prefix: string;
  /** The first sort key that counts, one of the prefix; all of the prefix when left out. */
  readonly from?: string;
  readonly order: 'ascending' | 'descending';
  /** At most so many items; all of them when left out. */
  readonly limit?: number;
}

/** Every item of the range, each read consistently. */
export async function queryItems(
  table: StateTable,
  range: ItemRange,
  deadline: number,
): Promise<readonly Attributes[]> {
  const items: Attributes[] = [];
  for await (const page of queryPages(table, range, deadline)) items.push(...page);
  return items;
}

/** The same, page after page, of at most 1 MB each. */
export async function* queryPages(
  table: StateTable,
  range: ItemRange,
  deadline: number,
): AsyncGenerator<readonly Attributes[], void, void> {
  let left = range.limit ?? Number.POSITIVE_INFINITY;
  let next: Attributes | undefined;
  do {
    const command: QueryCommand = new QueryCommand({
      TableName: table.name,
      ...keyCondition(range),
      ExpressionAttributeNames: { '#scope': SCOPE, '#item': ITEM },
      ConsistentRead: true,
      ScanIndexForward: range.order === 'ascending',
      ...(Number.isFinite(left) && { Limit: left }),
      ...(next && { ExclusiveStartKey: next }),
    });
    const page: QueryCommandOutput = await ask(table, deadline, (options) =>
      table.client.send(command, options),
    );
    const items = page.Items ?? [];
    left -= items.length;
    next = page.LastEvaluatedKey;
    yield items;
  } while (next && left > 0);
}

/** Above every sort key that begins with the prefix: keys are ASCII. */
const END = '\u{10ffff}';

function keyCondition({ scope, prefix, from }: ItemRange) {
  if (from === undefined) {
    return {
      KeyConditionExpression: '#scope = :scope AND begins_with(#item, :prefix)',
      ExpressionAttributeValues: { ':scope': { S: scope }, ':prefix': { S: prefix } },
    };
  }
  return {
    KeyConditionExpression: '#scope = :scope AND #item BETWEEN :from AND :end',
    ExpressionAttributeValues: {
      ':scope': { S: scope },
      ':from': { S: from },
      ':end': { S: `${prefix}${END}` },
    },
  };
}
