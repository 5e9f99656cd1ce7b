import type { Position } from './position.ts';

/**
 * - repair: inserts what is missing, and only that.
 * - replace: deletes the rows of the range and writes them again; only while the pipeline is paused.
 * - into: writes the range into another table.
 * - redrive: puts dead letters of the range through the mapping again.
 */
export type ReplayMode = 'repair' | 'replace' | 'into' | 'redrive';

export type ReplayStatus = 'running' | 'complete' | 'cancelled';

/** `(after, to]` of one partition. */
export interface ReplayRange {
  readonly partition: number;
  readonly after: Position;
  readonly to: Position;
}

/** An immutable object. */
export interface StoredRanges {
  readonly key: string;
  /** SHA-256 of its bytes, hexadecimal. */
  readonly hash: string;
  readonly count: number;
}

/** One replay: what was asked for, by whom, and what became of it. How far each partition is stands in its own state. */
export interface ReplayRecord {
  readonly pipeline: string;
  /** Sorts by time; also the generation of the replay's batches, and so part of every token of it. */
  readonly id: string;
  readonly mode: ReplayMode;
  readonly target: { readonly database: string; readonly table: string };
  /** The range's ends as they were given. */
  readonly from: string;
  readonly to: string;
  /** By partition and in order of position; a repair has several of one where what is missing lies apart. */
  readonly ranges: readonly ReplayRange[];
  /** As it is stored: where the ranges are, when they are too many for the record. */
  readonly rangesObject?: StoredRanges | undefined;
  /** Of the pipeline's recorded deletions when it was planned: the ranges spare what those name, and nothing else. */
  readonly exclusions: string;
  readonly requestedBy: string;
  /** Milliseconds since the epoch. */
  readonly requestedAt: number;
  readonly status: ReplayStatus;
  readonly finishedAt: number | undefined;
}

/** Under this name a replay keeps partition states, batches and dead letters: apart from the pipeline's own. */
export function replayScope(pipeline: string): string {
  return `${pipeline}/replay`;
}

export function isReplayScope(scope: string): boolean {
  return scope.endsWith('/replay');
}

/** In the order of the record. */
export function partitionsOf({ ranges }: Pick<ReplayRecord, 'ranges'>): readonly number[] {
  return [...new Set(ranges.map(({ partition }) => partition))];
}

export function rangesOf({ ranges }: Pick<ReplayRecord, 'ranges'>, wanted: number): readonly ReplayRange[] {
  return ranges.filter(({ partition }) => partition === wanted);
}
