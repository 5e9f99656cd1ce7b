import type { InitialPosition } from '../ports/transport.ts';

/** One topic into one table: a validated `pipeline.yml`, every default filled in. Durations in milliseconds. */
export interface Pipeline {
  /** Lower case letters, digits and dashes; names everything this pipeline keeps. */
  readonly name: string;
  readonly topic: string;
  readonly subscription: string;
  /** For partitions found by the first `init`; partitions added later start at earliest. */
  readonly initialPosition: InitialPosition;
  readonly target: { readonly database: string; readonly table: string };
  readonly source: SourceFormat;
  /** Column name to SQL expression over the source fields. */
  readonly columns: Readonly<Record<string, string>>;
  readonly batch: BatchLimits;
  readonly checkpoint: CheckpointPolicy;
  readonly consume: ConsumePolicy;
  readonly deadLetters: DeadLetterPolicy;
  /** Accepts a table without a deduplication window: doubt is then settled by waiting (slower), and the audit says so. */
  readonly allowWithoutDeduplication: boolean;
}

export interface SourceFormat {
  readonly format: 'json';
  /** Field name to ClickHouse type, as `input()` takes them. */
  readonly fields: Readonly<Record<string, string>>;
}

export interface BatchLimits {
  readonly maxRows: number;
  readonly maxBytes: number;
  /** A batch is cut this long after its first entry was pulled. */
  readonly maxWait: number;
  /** Batches held in memory at once, the one being filled included. */
  readonly inFlight: number;
  /** One insert may take this long; later the statement itself stores nothing. */
  readonly insertTimeout: number;
}

export interface CheckpointPolicy {
  readonly interval: number;
  /** How long a cycle waits for partitions to flush before it lists them as laggards. */
  readonly flushTimeout: number;
  readonly snapshotsKept: number;
  /** How far acknowledgement trails the newest snapshot, so that replay has something to read. */
  readonly acknowledgeBehind: { readonly checkpoints: number; readonly age: number };
}

export interface ConsumePolicy {
  /** drain: end when the partition is empty. follow: stay until the deadline. */
  readonly mode: 'drain' | 'follow';
  /** A partition whose writer died is taken over after this long. */
  readonly lease: number;
}

export interface DeadLetterPolicy {
  readonly enabled: boolean;
  /** More than this share of a batch, and more than `minimum` messages, halts the partition instead. */
  readonly maxRatio: number;
  readonly minimum: number;
}
