import type { PulsehouseError } from '../pipeline/errors.ts';
import type { TokenWindow } from '../pipeline/intent.ts';
import type { Position } from '../pipeline/position.ts';
import type { Entry, MessageMetadata } from './transport.ts';
import type { Trial } from './trial.ts';

/** A message that cannot become a row, with the reason a person can act on. */
export interface BadMessage {
  readonly position: Position;
  readonly index: number;
  /** Milliseconds since the epoch. */
  readonly publishTime: number;
  readonly reason: string;
  readonly payload: Uint8Array;
  /** Key, properties and the like, where they are known. */
  readonly metadata?: MessageMetadata | undefined;
}

/** Why a message of an entry is left out of a body. Index is the message's own within its entry. */
export type LeaveOut = (position: Position, index: number) => boolean;

/**
 * Collects entries into one insert's body. Row order is entry order, so row n of the body is found again by
 * `messageAt(n)`.
 */
export interface BatchBody {
  readonly partition: number;
  /** Rows, payload bytes and encoded bytes so far. */
  readonly rows: number;
  readonly encodedBytes: number;
  /** Messages without a value, where the pipeline skips those: they have no row and are no dead letters. */
  readonly filtered: number;
  /** Messages that are not of the source format; they take no part in the body. */
  readonly bad: readonly BadMessage[];
  /** About the bytes of memory that those take. */
  readonly badBytes: number;
  /** Adds every message of the entry that exists and is not left out. Copies what it needs; the entry may be let go. */
  add(entry: Entry, leaveOut?: LeaveOut): void;
  /** Which message the n-th row of the body (from 0) came from. */
  messageAt(row: number): Pick<BadMessage, 'position' | 'index' | 'publishTime' | 'metadata'>;
  /** The payload of the n-th row's message, as it came but for white space before it. */
  payloadAt(row: number): Uint8Array;
  /** The encoded rows `[from, to)`, all of them by default, in order. May be read any number of times. */
  chunks(from?: number, to?: number): readonly Uint8Array[];
}

export interface InsertSend {
  readonly body: BatchBody;
  readonly token: string;
  /** Unique for each send. */
  readonly queryId: string;
  /** The statement stores nothing after this instant, by the server's clock (ms since the epoch). */
  readonly notAfter: number;
  /** When we stop waiting for the answer, by our own clock (ms since the epoch). */
  readonly deadline: number;
  /** Reads the rows as a trial does, in one piece: what passes there passes here. @default false */
  readonly asTried?: boolean;
}

/**
 * What an answered error is about, as far as it says; undefined when it does not. Never a verdict: see `settle`. `view`: a
 * view of the table failed, after the table's own part of the insert was over.
 */
export type AnswerMeaning = 'data' | 'schema' | 'access' | 'busy' | 'view' | undefined;

/**
 * - stored: answered 200, and the server read as many rows as were sent, as far as it says.
 * - answered: the server ended the insert with an error of its own. It has stored all, a part or nothing, and will not
 *   store more.
 * - in-doubt: anything else. It may be stored, may be stored in part, may be stored later.
 * The client never sends twice by itself.
 */
export type InsertOutcome =
  | {
      readonly kind: 'stored';
      /** How many rows were read did not come with the answer: they are asked for. */
      readonly isUncounted?: true;
      /** How many of the rows sent met the condition. Undefined without one, and where the answer does not tell. */
      readonly met?: number;
    }
  | {
      readonly kind: 'answered';
      readonly meaning: AnswerMeaning;
      /** The server's own code. */
      readonly serverCode: number;
      readonly error: PulsehouseError;
    }
  | { readonly kind: 'in-doubt'; readonly error: PulsehouseError };

/** A range `(after, to]` of one partition. */
export interface RowRange {
  readonly partition: number;
  readonly after: Position;
  readonly to: Position;
}

/** `entries`: only rows of these; at most some thousands, each of them in the range. */
export interface EntryRange extends RowRange {
  readonly entries?: readonly Position[];
}

export interface RowCount {
  readonly rows: number;
  /** Distinct (ledger, entry, index, row). */
  readonly distinct: number;
}

export interface EntryRows extends RowCount {
  readonly position: Position;
  /** `hashOfIndexes` of its rows' message indexes. */
  readonly indexHash: bigint;
}

export interface EntryIndexes {
  readonly position: Position;
  /** Ascending. */
  readonly indexes: readonly number[];
}

/** The target table. Every call ends by its deadline; reads see what every earlier answered insert stored. */
export interface Sink {
  /** `database.table`, for messages. */
  readonly table: string;
  /** Hash of the statement: another mapping has another one. */
  readonly mapping: string;
  /** Hash of the condition that a message has to meet to become a row; undefined without one. */
  readonly condition: string | undefined;
  /**
   * `again`: for entries that were taken once before. What was a row, filtered or a dead letter then is so still, whatever
   * the pipeline's file says by now: dead letters are left out by their names, and messages without a value are filtered.
   */
  newBody(partition: number, again?: boolean): BatchBody;
  insert(send: InsertSend): Promise<InsertOutcome>;
  /** Begins to look for rows that cannot be stored. Close it. */
  openTrial(): Trial;
  /** @throws PulsehouseError retryable when the server cannot be asked. */
  countRows(range: RowRange, deadline: number): Promise<RowCount>;
  /** Per entry, in order of position: for finding which entries are not whole. */
  countRowsByEntry(range: RowRange, deadline: number): Promise<readonly EntryRows[]>;
  /** Message indexes present in a range of one batch's size, per entry, each as often as it stands there. */
  indexesIn(range: EntryRange, deadline: number): Promise<readonly EntryIndexes[]>;
  /** Ends every running query whose id starts so, and waits until they have ended. Cannot see one still travelling. */
  kill(queryIdPrefix: string, deadline: number): Promise<void>;
  tokenWindow(deadline: number): Promise<TokenWindow>;
  /** Whether the table has a TTL that takes rows away by itself. */
  hasTtl(deadline: number): Promise<boolean>;
  /** The messages of a body whose rows that TTL takes away by now. None when a row of it is refused. Stores nothing. */
  expiredRows(body: BatchBody, deadline: number): Promise<readonly EntryIndexes[]>;
  /**
   * Row numbers of the body, ascending, whose messages do not meet the condition. Undefined when the server refuses a row of
   * it, for which a trial looks. Stores nothing.
   */
  unmet(body: BatchBody, deadline: number): Promise<readonly number[] | undefined>;
  /** The condition without which this user sees no row of the table; undefined when nothing hides any. */
  rowsHidden(deadline: number): Promise<string | undefined>;
  /** Materialized views, `database.name`, that what is inserted is pushed through. */
  dependentViews(deadline: number): Promise<readonly string[]>;
  /** The server's clock, milliseconds since the epoch. */
  serverNow(deadline: number): Promise<number>;
  close(): Promise<void>;
}
