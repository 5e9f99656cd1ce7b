import { PulsehouseError } from '../pipeline/errors.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import {
  decodeSnapshot,
  encodeSnapshot,
  type Snapshot,
  type StoredSnapshot,
  snapshotKey,
  snapshotNumber,
  snapshotPrefix,
} from './snapshot.ts';

/**
 * Makes a snapshot durable. Whoever is first wins: the answer is what stands under its number now, which is what every
 * later step goes by, never what was offered.
 */
export async function createSnapshot(
  objects: ObjectStore,
  snapshot: Snapshot,
  deadline: number,
): Promise<StoredSnapshot> {
  const key = snapshotKey(snapshot.pipeline, snapshot.number);
  const offered = encodeSnapshot(snapshot);
  const result = await objects.create(key, offered, deadline);
  return decodeSnapshot(key, result.created ? offered : result.existing);
}

/** @throws PulsehouseError PH_SNAPSHOT_MISSING, PH_SNAPSHOT_CORRUPT. */
export async function readSnapshot(
  objects: ObjectStore,
  pipeline: string,
  number: number,
  deadline: number,
): Promise<StoredSnapshot> {
  const key = snapshotKey(pipeline, number);
  const body = await objects.read(key, deadline);
  if (!body) throw new PulsehouseError('PH_SNAPSHOT_MISSING', `${key} is not there`, { where: { pipeline } });
  return decodeSnapshot(key, body);
}

/** Numbers that have an object, ascending. */
export async function listSnapshots(
  objects: ObjectStore,
  pipeline: string,
  deadline: number,
): Promise<number[]> {
  const keys = await objects.list(snapshotPrefix(pipeline), deadline);
  return keys.flatMap((key) => snapshotNumber(key) ?? []);
}

/** A listing walks over what was deleted; numbers so far below are looked for now and then only. */
const WALKED_BEFORE = 100;

/**
 * Numbers that have an object and may matter to a cycle, ascending: those that are kept, what is to be pruned, what nobody
 * should have written beyond `opened`. Every hundredth time all there are.
 */
export async function listRecentSnapshots(
  objects: ObjectStore,
  pipeline: string,
  { opened, kept, acknowledged }: PruningTerms & { readonly opened: number },
  deadline: number,
): Promise<number[]> {
  const oldest = Math.min(opened - kept, acknowledged) - WALKED_BEFORE;
  if (oldest <= 0 || opened % WALKED_BEFORE === 0) return listSnapshots(objects, pipeline, deadline);
  const after = snapshotKey(pipeline, oldest);
  const keys = await objects.listAfter(snapshotPrefix(pipeline), after, deadline);
  return keys.flatMap((key) => snapshotNumber(key) ?? []);
}

export interface PruningTerms {
  readonly kept: number;
  readonly acknowledged: number;
}

/** The oldest beyond `kept`, never one that is acknowledged last or still to be acknowledged. */
export function surplusOf(numbers: readonly number[], { kept, acknowledged }: PruningTerms): number[] {
  const oldest = numbers.slice(0, Math.max(0, numbers.length - kept));
  return oldest.filter((number) => number < acknowledged);
}

/** Deletes what is too much of `numbers`, ascending. Answers how many were deleted. */
export async function pruneSnapshots(
  objects: ObjectStore,
  pipeline: string,
  numbers: readonly number[],
  terms: PruningTerms,
  deadline: number,
): Promise<number> {
  const old = surplusOf(numbers, terms);
  for (const number of old) await objects.delete(snapshotKey(pipeline, number), deadline);
  return old.length;
}
