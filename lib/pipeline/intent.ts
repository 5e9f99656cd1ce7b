import { formatPosition, type Position } from './position.ts';

/** An object that holds dead letters of a batch: ids, bytes and reasons. */
export interface DeadLetterPart {
  readonly key: string;
  readonly count: number;
}

/**
 * Messages of a batch that cannot become rows. The named objects hold them, each message once and in one of them, and
 * were durable before the intent said so.
 */
export interface DeadLetterReference {
  /** Of all parts. */
  readonly count: number;
  readonly parts: readonly DeadLetterPart[];
}

/** The condition that messages of a batch have to meet. */
export interface BatchCondition {
  /** Hash of the pipeline's `where` by which all of its messages were judged; `mixed` when it changed before all were. */
  readonly hash: string;
  /** Until then the batch's `rows` are the most that there can be, and `filtered` the fewest. */
  readonly counted: boolean;
}

/**
 * A batch's identity and what is known of it, written before its insert. Bounds never change once written
 * (invariant 5); attempt, notAfter and dead letters are only ever changed by a fenced write that precedes their use.
 */
export interface Intent {
  /** Position of the batch in its partition's ledger, counted from 1 within a generation. */
  readonly seq: number;
  readonly generation: string;
  /** Exclusive lower bound: the position committed by the batch before. */
  readonly after: Position;
  /** Inclusive upper bound: the position of its last entry. */
  readonly to: Position;
  readonly entries: number;
  readonly messages: number;
  /** Rows the table must hold for this range when it is stored: messages less filtered and dead-lettered ones. */
  readonly rows: number;
  readonly filtered: number;
  /** Payload bytes, decompressed. */
  readonly bytes: number;
  /** Hash over each entry's position and message count: a re-read must give the same. */
  readonly digest: string;
  /** Hash of the insert statement the batch was first sent with. */
  readonly mapping: string;
  /** Publish time of the newest entry, milliseconds since the epoch. */
  readonly publishedUpTo: number;
  /** From 1. Raised only after a send of the attempt before was answered 200 and rows were still missing. */
  readonly attempt: number;
  /** Milliseconds since the epoch by the ClickHouse server's clock: no send of this batch made so far is valid after it. */
  readonly notAfter: number;
  /** What the table's token window looked like before the first send. */
  readonly tokens: TokenWindow;
  readonly deadLetters: DeadLetterReference | undefined;
  /** Undefined where the pipeline has no `where`. */
  readonly condition?: BatchCondition | undefined;
}

/**
 * How far deduplication tokens of one table can be trusted. The window counts blocks of the whole table, and block
 * numbers only grow, so their difference bounds how many tokens were logged in between.
 */
export interface TokenWindow {
  /** The table's UUID: another one means another table, whose log knows none of our tokens. */
  readonly table: string;
  /** Tokens the table remembers; 0 when it deduplicates nothing. */
  readonly window: number;
  /** Lowest and highest block number of the table's parts; -1 when it has none. */
  readonly oldestBlock: number;
  readonly newestBlock: number;
}

/**
 * Whether a token first sent when the table looked like `then` is still remembered when it looks like `now`, and will be
 * for as long as a send of it may be carried out. Half the window is kept for the blocks that come meanwhile: a table
 * must not get half a window of blocks in the time one insert may travel and run.
 */
export function tokensAreTrusted(then: TokenWindow, now: TokenWindow): boolean {
  if (then.table !== now.table || now.window === 0 || then.window === 0) return false;
  const blocksSince = now.newestBlock - then.newestBlock;
  // A truncated or emptied table forgot its tokens: then none of the parts that stood there is left.
  const oldPartsLeft =
    then.newestBlock === -1 || (now.oldestBlock !== -1 && now.oldestBlock <= then.newestBlock);
  return blocksSince >= 0 && oldPartsLeft && blocksSince < Math.min(then.window, now.window) / 2;
}

/** Milliseconds: a server's clock may be read a little before the statement's own look at it. */
export const CLOCK_MARGIN = 1_000;

/** Names a batch for ever: pipeline, partition, generation and bounds. */
export function batchIdentity(pipeline: string, partition: number, intent: Intent): string {
  return `${pipeline}/${partition}/${intent.generation}/${formatPosition(intent.after)}-${formatPosition(intent.to)}`;
}

/** The insert's deduplication token: the identity and the attempt, nothing of time or sender. */
export function insertToken(pipeline: string, partition: number, intent: Intent): string {
  return `${batchIdentity(pipeline, partition, intent)}#${intent.attempt}`;
}

/** Common start of the query ids of every send of a batch, so that all of them can be killed by prefix. */
export function queryIdPrefix(pipeline: string, partition: number, intent: Intent): string {
  return `${batchIdentity(pipeline, partition, intent)}@`;
}
