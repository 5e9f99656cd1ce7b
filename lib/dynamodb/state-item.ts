import {
  ConditionalCheckFailedException,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { Fenced } from '../pipeline/partition-state.ts';
import type { LeaseClaim, LeaseResult, WriteResult } from '../ports/state-store.ts';
import { type ItemCodec, LAYOUT } from './item-codec.ts';
import { ITEM, type ItemKey } from './keys.ts';
import { ask, type StateTable } from './state-table.ts';

/** An item whose every write is conditional on the epoch, version and write id it was made from. */
export interface StateItem<State extends Fenced> {
  readonly table: StateTable;
  readonly key: ItemKey;
  readonly codec: ItemCodec<State>;
}

export async function readItem<State extends Fenced>(
  item: StateItem<State>,
  deadline: number,
): Promise<State | undefined> {
  const { table, key, codec } = item;
  const command = new GetItemCommand({ TableName: table.name, Key: { ...key }, ConsistentRead: true });
  const { Item } = await ask(table, deadline, (options) => table.client.send(command, options));
  return Item && codec.decode(key, Item);
}

export function createItem<State extends Fenced>(
  item: StateItem<State>,
  state: State,
  deadline: number,
): Promise<WriteResult<State>> {
  return putIf(item, state, deadline, 'attribute_not_exists(#item)', { '#item': ITEM }, undefined);
}

export function writeItem<State extends Fenced>(
  item: StateItem<State>,
  next: State,
  deadline: number,
): Promise<WriteResult<State>> {
  return putIf(
    item,
    next,
    deadline,
    '#layout = :layout AND #epoch = :epoch AND #version = :before AND #writeId = :follows',
    { '#layout': 'layout', '#epoch': 'epoch', '#version': 'version', '#writeId': 'writeId' },
    {
      ':layout': LAYOUT,
      ':epoch': next.epoch,
      ':before': next.version - 1,
      ':follows': next.follows,
    },
  );
}

/**
 * Replaces the item whole, so that nothing of what stood there survives unseen. A refusal that finds our own write id
 * is a repeated try whose first one was carried out.
 */
async function putIf<State extends Fenced>(
  item: StateItem<State>,
  state: State,
  deadline: number,
  condition: string,
  names: Record<string, string>,
  values: Record<string, unknown> | undefined,
): Promise<WriteResult<State>> {
  const { table, key, codec } = item;
  const command = new PutItemCommand({
    TableName: table.name,
    Item: codec.encode(key, state),
    ConditionExpression: condition,
    ExpressionAttributeNames: names,
    ...(values && { ExpressionAttributeValues: marshall(values) }),
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
  try {
    await ask(table, deadline, (options) => table.client.send(command, options));
    return { written: true };
  } catch (error) {
    const found = foundInstead(item, error);
    return found?.writeId === state.writeId ? { written: true } : { written: false, found };
  }
}

/**
 * One request takes the lease and tells what was taken with it. It is given when nobody holds it, the holder is
 * known to have died or its time has run out, and to nobody while the item carries a halt.
 */
export async function takeItem<State extends Fenced>(
  item: StateItem<State>,
  claim: LeaseClaim,
  deadline: number,
): Promise<LeaseResult<State>> {
  const { table, key, codec } = item;
  const command = new UpdateItemCommand({
    TableName: table.name,
    Key: { ...key },
    UpdateExpression:
      'SET #epoch = #epoch + :raise, #version = #version + :one, #follows = #writeId, #writeId = :writeId, #owner = :owner, #leaseUntil = :leaseUntil',
    ConditionExpression:
      '#layout = :layout AND (#owner IN (:nobody, :dead) OR #leaseUntil <= :now) AND (attribute_not_exists(#halted) OR #halted = :nobody)',
    ExpressionAttributeNames: {
      '#layout': 'layout',
      '#epoch': 'epoch',
      '#version': 'version',
      '#writeId': 'writeId',
      '#follows': 'follows',
      '#owner': 'owner',
      '#leaseUntil': 'leaseUntil',
      '#halted': 'halted',
    },
    ExpressionAttributeValues: marshall({
      ':layout': LAYOUT,
      ':one': 1,
      ':raise': claim.raise ?? 1,
      ':nobody': null,
      ':dead': claim.dead ?? null,
      ':writeId': claim.writeId,
      ':owner': claim.owner,
      ':now': claim.now,
      ':leaseUntil': claim.leaseUntil,
    }),
    ReturnValues: 'ALL_NEW',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
  try {
    const { Attributes } = await ask(table, deadline, (options) => table.client.send(command, options));
    return { taken: true, state: codec.decode(key, Attributes ?? {}) };
  } catch (error) {
    const found = foundInstead(item, error);
    // Any later write would carry another id: what the refusal shows is exactly what our first try wrote.
    return found?.writeId === claim.writeId ? { taken: true, state: found } : { taken: false, found };
  }
}

/** What stood there when the condition failed; rethrows everything else. */
function foundInstead<State extends Fenced>(item: StateItem<State>, error: unknown): State | undefined {
  if (!(error instanceof ConditionalCheckFailedException)) throw error;
  return error.Item && item.codec.decode(item.key, error.Item);
}
