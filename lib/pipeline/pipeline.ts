import type { Position } from './position.ts';

/** One topic into one table: a validated `pipeline.yml`, every default filled in. Durations in milliseconds. */
export interface Pipeline {
  /** Lower case letters, digits and dashes; names everything this pipeline keeps. */
  readonly name: string;
  readonly topic: string;
  readonly subscription: string;
  /** For partitions found by the first `init`; partitions added later start at earliest. */
  readonly initialPosition: InitialPosition;
  readonly target: { readonly database: string; readonly table: string };
  readonly targetOptions?: TargetOptions | undefined;
  readonly source: SourceFormat;
  /** Column name to SQL expression over the source fields. */
  readonly columns: Readonly<Record<string, string>>;
  /** SQL condition over the source fields. Messages that do not meet it have no row. All have one without it. */
  readonly where?: string | undefined;
  readonly batch: BatchLimits;
  readonly checkpoint: CheckpointPolicy;
  readonly consume: ConsumePolicy;
  readonly deadLetters: DeadLetterPolicy;
  readonly audit: AuditPolicy;
  /** Accepts a table without a deduplication window: doubt is then settled by waiting (slower), and the audit says so. */
  readonly allowWithoutDeduplication: boolean;
}

/** With what rights and settings ClickHouse is spoken to. */
export interface TargetOptions {
  /** The one role whose rights everything is done with. The user's default roles without it. */
  readonly role?: string | undefined;
  /** ClickHouse settings that go with every insert. None of them changes what is stored or counted. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

/** Where a subscription begins. Of a position, everything at or below it counts as read. */
export type InitialPosition =
  | { readonly at: 'earliest' }
  | { readonly at: 'latest' }
  | { readonly at: 'time'; readonly publishTime: number }
  | { readonly at: 'position'; readonly position: Position };

export interface SourceFormat {
  readonly format: 'json';
  /** Field name to ClickHouse type, as `input()` takes them. */
  readonly fields: Readonly<Record<string, string>>;
  /** @default skip */
  readonly nullValues?: NullValues | undefined;
  /** @default deadLetter */
  readonly emptyStrings?: EmptyStrings | undefined;
  /** Most bytes that one entry may hold, decompressed: a batch, or a chunked message and what lies between its chunks. */
  readonly maxEntryBytes?: number | undefined;
}

/**
 * What becomes of a value that is no value of its field's type and that ClickHouse would store without a word as another one,
 * "" in a number above all: as ClickHouse does, NULL where the field is Nullable, or a dead letter.
 */
export type EmptyStrings = 'default' | 'null' | 'deadLetter';

/** What becomes of a message without a value (null, a tombstone, or empty): counted as filtered, or a dead letter. */
export type NullValues = 'skip' | 'deadLetter';

export interface BatchLimits {
  readonly maxRows: number;
  readonly maxBytes: number;
  /** No limit when left out. */
  readonly maxEntries?: number;
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

export interface AuditPolicy {
  /** Rows of messages published longer ago may rightly be gone, by the table's TTL. Undefined: none may. */
  readonly horizon?: number | undefined;
  /** Time between two scheduled audits; 0: none is scheduled. */
  readonly interval: number;
  readonly exclusions: readonly Exclusion[];
}

/**
 * A recorded deletion: rows of these messages may rightly be gone, and no replay brings them back. Either by position,
 * `(after, to]`, or by publish time, milliseconds since the epoch, both ends included.
 */
export interface Exclusion {
  readonly reason: string;
  /** Undefined: every partition. */
  readonly partition?: number | undefined;
  readonly positions?: { readonly after: Position; readonly to: Position } | undefined;
  readonly published?: { readonly from: number; readonly to: number } | undefined;
}
