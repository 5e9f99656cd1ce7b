import pLimit from 'p-limit';
import { PulsehouseError } from '../pipeline/errors.ts';
import type { Position } from '../pipeline/position.ts';
import { formatPosition, parsePosition } from '../pipeline/position.ts';
import type { ObjectStore } from '../ports/object-store.ts';

/** A batch in flight that a reset gave up. */
export interface DroppedBatch {
  readonly after: Position;
  readonly to: Position;
  readonly messages: number;
  /** Rows it was to have. */
  readonly meant: number;
  /** Rows of it that stood in the table when no send of it could store anything any more. They stay, if `to` allows. */
  readonly rows: number;
}

/** One partition's part of a reset. */
export interface ResetPartition {
  readonly partition: number;
  readonly fromGeneration: string;
  /** What was committed before. */
  readonly from: Position;
  readonly toGeneration: string;
  readonly to: Position;
  /** Where the old generation began; where the first one did when the reset goes back beyond the old one. */
  readonly origin: Position;
  readonly joined: boolean;
  /** What of the old generation still counts: everything up to `to`, or up to `from` where that is lower. */
  readonly kept: { readonly rows: number; readonly messages: number };
  /** The part of it that is of a batch which `to` cuts in two. */
  readonly cut: { readonly after: Position; readonly rows: number; readonly messages: number } | undefined;
  /** Batches in flight that were given up instead of settled; only where that was asked for. */
  readonly dropped?: readonly DroppedBatch[];
  /** Another topic had taken the place of the one that was read. */
  readonly replaced?: true;
}

/** Something a person did to a pipeline by hand, kept for ever: who, when, from, to. */
export type Operation = {
  /** Sorts by time. */
  readonly id: string;
  readonly by: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
} & (
  | {
      readonly kind: 'pause' | 'resume';
      /** Whose; undefined: the pipeline's. */
      readonly replay?: string;
    }
  /** The state was rebuilt from `checkpoint`, as snapshot `snapshot`. */
  | { readonly kind: 'restore'; readonly checkpoint: number; readonly snapshot: number }
  /** The pipeline was begun from that checkpoint of the pipeline `of`. */
  | { readonly kind: 'branch'; readonly of: string; readonly checkpoint: number }
  | {
      readonly kind: 'reset';
      readonly reason: 'offsets' | 'rollback' | 'branch';
      readonly partitions: readonly ResetPartition[];
    }
);

/** What leaves rows and positions at odds when it is cut off: nothing else may be done until it is finished. */
export function holdsPipeline({ kind }: Operation): boolean {
  return kind === 'reset' || kind === 'restore' || kind === 'branch';
}

const REPLACER = (_: string, value: unknown) =>
  typeof value === 'object' && value !== null && 'ledger' in value && 'entry' in value
    ? formatPosition(value as Position)
    : value;

function prefix(pipeline: string): string {
  return `${pipeline}/operations/`;
}

/** Begun before anything is changed, so that what was cut off shows. */
export async function beginOperation(
  objects: ObjectStore,
  pipeline: string,
  operation: Operation,
  deadline: number,
): Promise<void> {
  const body = Buffer.from(`${JSON.stringify(operation, REPLACER, 2)}\n`);
  await objects.create(`${prefix(pipeline)}${operation.id}.json`, body, deadline);
}

export async function endOperation(
  objects: ObjectStore,
  pipeline: string,
  operation: Operation,
  deadline: number,
): Promise<void> {
  await objects.create(`${prefix(pipeline)}${operation.id}.done`, Buffer.from('done\n'), deadline);
}

export interface Journal {
  /** Of resets only those carried out to the end; in order of time, by the clocks of those who did them. */
  readonly operations: readonly Operation[];
  /** Begun and not ended. */
  readonly unfinished: readonly Operation[];
}

export async function readJournal(
  objects: ObjectStore,
  pipeline: string,
  deadline: number,
): Promise<Journal> {
  const { done, open } = await listRecords(objects, pipeline, deadline);
  const [operations, unfinished] = await Promise.all([
    readRecords(objects, done, deadline),
    readRecords(objects, open, deadline),
  ]);
  return { operations, unfinished };
}

/** Begun and not ended: what was done before is listed, and not read. */
export async function readUnfinishedOperations(
  objects: ObjectStore,
  pipeline: string,
  deadline: number,
): Promise<readonly Operation[]> {
  const { open } = await listRecords(objects, pipeline, deadline);
  return readRecords(objects, open, deadline);
}

/** Keys of the records, those of each kind in order of time. */
async function listRecords(
  objects: ObjectStore,
  pipeline: string,
  deadline: number,
): Promise<{ readonly done: readonly string[]; readonly open: readonly string[] }> {
  const keys = await objects.list(prefix(pipeline), deadline);
  const ended = new Set(
    keys.filter((key) => key.endsWith('.done')).map((key) => key.replace(/done$/, 'json')),
  );
  const records = keys.filter((key) => key.endsWith('.json'));
  return {
    done: records.filter((key) => ended.has(key)),
    open: records.filter((key) => !ended.has(key)),
  };
}

const RECORDS_AT_ONCE = 16;

async function readRecords(
  objects: ObjectStore,
  keys: readonly string[],
  deadline: number,
): Promise<readonly Operation[]> {
  const read = await pLimit(RECORDS_AT_ONCE).map(keys, async (key) => {
    const body = await objects.read(key, deadline);
    return body ? [decode(key, body)] : [];
  });
  return read.flat();
}

const POSITIONS: ReadonlySet<string> = new Set(['from', 'to', 'origin', 'after']);

function decode(key: string, body: Uint8Array): Operation {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'), (name, value: unknown) =>
      POSITIONS.has(name) && typeof value === 'string' ? parsePosition(value) : value,
    ) as Operation;
  } catch (cause) {
    throw new PulsehouseError('PH_OBJECT_CONFLICT', `${key} is not the record of an operation`, { cause });
  }
}

/** Sorts by time to the millisecond, unique, and fit for keys: `20261122T174512345-1a2b3c4d`. */
export function operationId(now: number, uniqueId: string): string {
  const time = new Date(now).toISOString().replaceAll(/[-:.Z]/g, '');
  return `${time}-${uniqueId.replaceAll('-', '').slice(0, 8)}`;
}
