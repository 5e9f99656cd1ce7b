import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Position } from '../pipeline/position.ts';

/** Partition key: `pipeline` for what a pipeline has once, `pipeline#partition` for what each partition has. */
export const SCOPE = 'scope';
/** Sort key: what the item is. */
export const ITEM = 'item';
/** Time to live, seconds since the epoch: DynamoDB deletes the item some time after it. */
export const EXPIRES = 'expires';

export type ItemKey = Readonly<Record<typeof SCOPE | typeof ITEM, AttributeValue & { S: string }>>;

/** Wide enough for every number there will be, so that the sort key's order is the numbers' order. */
function padded(number: number): string {
  return String(number).padStart(12, '0');
}

/** A pipeline's name holds no `#`, so the two forms of scope never meet. */
export function pipelineScope(pipeline: string): string {
  return pipeline;
}

export function partitionScope(pipeline: string, partition: number): string {
  return `${pipeline}#${partition}`;
}

function itemKey(scope: string, item: string): ItemKey {
  return { [SCOPE]: { S: scope }, [ITEM]: { S: item } };
}

export function partitionKey(pipeline: string, partition: number): ItemKey {
  return itemKey(partitionScope(pipeline, partition), 'state');
}

export function cycleKey(pipeline: string): ItemKey {
  return itemKey(pipelineScope(pipeline), 'cycle');
}

export const CHECKPOINT_PREFIX = 'checkpoint#';

export function checkpointKey(pipeline: string, number: number): ItemKey {
  return itemKey(pipelineScope(pipeline), `${CHECKPOINT_PREFIX}${padded(number)}`);
}

export const REPLAY_PREFIX = 'replay#';

export function replayKey(pipeline: string, id: string): ItemKey {
  return itemKey(pipelineScope(pipeline), `${REPLAY_PREFIX}${id}`);
}

/** `seq` counts from 1 within a generation, so a batch's key needs both. */
export function batchPrefix(generation: string): string {
  return `batch#${generation}#`;
}

export function batchKey(pipeline: string, partition: number, generation: string, seq: number): ItemKey {
  return itemKey(partitionScope(pipeline, partition), `${batchPrefix(generation)}${padded(seq)}`);
}

export function deadLetterPrefix(generation: string): string {
  return `letters#${generation}#`;
}

/** By the position of the batch's last entry, so that those of a range are found without reading the others. */
export function deadLetterKey(
  pipeline: string,
  partition: number,
  generation: string,
  to: Position,
): ItemKey {
  return itemKey(partitionScope(pipeline, partition), `${deadLetterPrefix(generation)}${sortable(to)}`);
}

/** Wide enough for every position, so that the text's order is theirs. None below `0:0` is an entry. */
export function sortable({ ledger, entry }: Position): string {
  const wide = (number: number) => String(Math.max(0, number)).padStart(16, '0');
  return ledger < 0 ? sortable({ ledger: 0, entry: 0 }) : `${wide(ledger)}:${wide(entry)}`;
}

export function formatKey(key: ItemKey): string {
  return `${key[SCOPE].S} / ${key[ITEM].S}`;
}

/** The key an item carries itself. */
export function keyOf(item: Readonly<Record<string, AttributeValue>>): ItemKey {
  return itemKey(item[SCOPE]?.S ?? '', item[ITEM]?.S ?? '');
}
