import { createHash } from 'node:crypto';
import { PulsehouseError } from '../pipeline/errors.ts';
import type { PartitionState, Totals } from '../pipeline/partition-state.ts';
import type { Position } from '../pipeline/position.ts';

const LAYOUT = 1;

/** Where one partition stood. */
export interface SnapshotPartition {
  readonly partition: number;
  readonly topic: string;
  readonly generation: string;
  readonly cluster: string | undefined;
  readonly epoch: number;
  readonly seq: number;
  readonly origin: Position;
  readonly committed: Position;
  /** Milliseconds since the epoch. */
  readonly committedPublishTime: number;
  readonly totals: Totals;
}

/** Checkpoint N: a consistent set of committed positions. Immutable once it is an object. */
export interface Snapshot {
  readonly layout: typeof LAYOUT;
  readonly pipeline: string;
  readonly topic: string;
  readonly subscription: string;
  readonly number: number;
  readonly generation: string;
  /** Milliseconds since the epoch. */
  readonly takenAt: number;
  /** The snapshot before it and its hash: a chain that shows a lost or altered one. Undefined for the first. */
  readonly previous: { readonly number: number; readonly hash: string } | undefined;
  readonly partitions: readonly SnapshotPartition[];
}

export interface StoredSnapshot {
  readonly snapshot: Snapshot;
  /** SHA-256 of the snapshot's JSON, hexadecimal: the next one names it. */
  readonly hash: string;
}

export function snapshotPrefix(pipeline: string): string {
  return `${pipeline}/snapshots/`;
}

/** Numbers are padded, so that keys sort as numbers do. */
export function snapshotKey(pipeline: string, number: number): string {
  return `${snapshotPrefix(pipeline)}${String(number).padStart(12, '0')}.json`;
}

/** The number a key stands for; undefined for a key of another kind. */
export function snapshotNumber(key: string): number | undefined {
  const match = /\/snapshots\/(\d{12})\.json$/.exec(key);
  return match ? Number(match[1]) : undefined;
}

/** `carried`: partitions that have no state to be read, as an earlier snapshot has them. */
export function newSnapshot(
  about: Omit<Snapshot, 'layout' | 'partitions'>,
  states: readonly PartitionState[],
  carried: readonly SnapshotPartition[] = [],
): Snapshot {
  const partitions = states.map((state) => ({
    partition: state.partition,
    topic: state.topic,
    generation: state.generation,
    cluster: state.cluster,
    epoch: state.epoch,
    seq: state.seq,
    origin: state.origin,
    committed: state.committed,
    committedPublishTime: state.committedPublishTime,
    totals: state.totals,
  }));
  const all = [...partitions, ...carried].sort((a, b) => a.partition - b.partition);
  return { layout: LAYOUT, ...about, partitions: all };
}

/** Batches that the partitions' generations have committed: differs as soon as anything moves. */
export function batchesOf(partitions: readonly { readonly totals: Totals }[]): number {
  return partitions.reduce((sum, { totals }) => sum + totals.batches, 0);
}

/** The object's bytes: the snapshot and, so that it vouches for itself, its hash. */
export function encodeSnapshot(snapshot: Snapshot): Uint8Array {
  const json = JSON.stringify(snapshot);
  return Buffer.from(`{"hash":"${hashOf(json)}","snapshot":${json}}\n`);
}

/**
 * @throws PulsehouseError PH_SNAPSHOT_CORRUPT when the bytes are not a snapshot or do not have the hash they name;
 * PH_STATE_LAYOUT.
 */
export function decodeSnapshot(key: string, body: Uint8Array): StoredSnapshot {
  const text = Buffer.from(body).toString('utf8').trimEnd();
  const match = /^\{"hash":"([0-9a-f]{64})","snapshot":(.*)\}$/s.exec(text);
  const [, hash, json] = match ?? [];
  if (hash === undefined || json === undefined || hashOf(json) !== hash) {
    throw new PulsehouseError('PH_SNAPSHOT_CORRUPT', `${key} does not have the hash it names`);
  }
  const snapshot = JSON.parse(json) as Snapshot;
  if (snapshot.layout !== LAYOUT) {
    throw new PulsehouseError(
      'PH_STATE_LAYOUT',
      `${key} was written by another version of Pulsehouse: its layout is ${snapshot.layout}, this version's ${LAYOUT}`,
    );
  }
  return { snapshot, hash };
}

function hashOf(json: string): string {
  return createHash('sha256').update(json).digest('hex');
}
