import {
  ConditionalCheckFailedException,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod';
import type { ReplayRecord } from '../pipeline/replay.ts';
import type { ReplayStore } from '../ports/replay-store.ts';
import { itemCodec } from './item-codec.ts';
import { count, object, orMissing, orUndefined, position } from './item-fields.ts';
import { ITEM, keyOf, pipelineScope, REPLAY_PREFIX, replayKey } from './keys.ts';
import { queryItems } from './query.ts';
import { ask, type StateTable } from './state-table.ts';

export const replayCodec = itemCodec<ReplayRecord>(
  object({
    pipeline: z.string().min(1),
    id: z.string().min(1),
    mode: z.enum(['repair', 'replace', 'into', 'redrive']),
    target: object({ database: z.string().min(1), table: z.string().min(1) }),
    from: z.string(),
    to: z.string(),
    ranges: z.array(object({ partition: count, after: position, to: position })),
    rangesObject: orMissing(object({ key: z.string().min(1), hash: z.string().min(1), count })),
    exclusions: z.string(),
    requestedBy: z.string(),
    requestedAt: count,
    status: z.enum(['running', 'complete', 'cancelled']),
    finishedAt: orUndefined(count),
  }),
  ['rangesObject'],
);

export function dynamoReplayStore(table: StateTable): ReplayStore {
  const read: ReplayStore['readReplay'] = async (pipeline, id, deadline) => {
    const key = replayKey(pipeline, id);
    const command = new GetItemCommand({ TableName: table.name, Key: { ...key }, ConsistentRead: true });
    const { Item } = await ask(table, deadline, (options) => table.client.send(command, options));
    return Item && replayCodec.decode(key, Item);
  };
  return {
    readReplay: read,
    async createReplay(record, deadline) {
      const command = new PutItemCommand({
        TableName: table.name,
        Item: replayCodec.encode(replayKey(record.pipeline, record.id), record),
        ConditionExpression: 'attribute_not_exists(#item)',
        ExpressionAttributeNames: { '#item': ITEM },
      });
      await unlessRefused(ask(table, deadline, (options) => table.client.send(command, options)));
    },
    async readReplays(pipeline, limit, deadline) {
      const range = {
        scope: pipelineScope(pipeline),
        prefix: REPLAY_PREFIX,
        order: 'descending',
        limit,
      } as const;
      const items = await queryItems(table, range, deadline);
      return items.map((item) => replayCodec.decode(keyOf(item), item));
    },
    async endReplay(pipeline, id, status, at, deadline) {
      const command = new UpdateItemCommand({
        TableName: table.name,
        Key: { ...replayKey(pipeline, id) },
        UpdateExpression: 'SET #status = :status, #finishedAt = :at',
        ConditionExpression: '#status = :running',
        ExpressionAttributeNames: { '#status': 'status', '#finishedAt': 'finishedAt' },
        ExpressionAttributeValues: marshall({ ':status': status, ':at': at, ':running': 'running' }),
      });
      await unlessRefused(ask(table, deadline, (options) => table.client.send(command, options)));
      return read(pipeline, id, deadline);
    },
  };
}

/** The condition fails where the write, ours or another's, was made before: what stands there is what counts. */
async function unlessRefused(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
}
