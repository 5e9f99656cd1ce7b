import type { DeadLetterReference, Intent, TokenWindow } from './intent.ts';
import type { Position } from './position.ts';
import type { ViewGap } from './view-gaps.ts';

/** Identifies one fenced write: what stands in the store is "mine" when it carries the id I gave it. */
export interface Fenced {
  /** Fencing number: raised by every lease taken. Never restarts low. */
  readonly epoch: number;
  /** Raised by every write. A write is conditional on the epoch, version and write id it was made from. */
  readonly version: number;
  /** Unique for each write. */
  readonly writeId: string;
  /**
   * The write id of the state it was made from, empty for the first. A write is conditional on it as well: where an older
   * copy of the state is put back, epochs and versions are given out once more, and write ids never are.
   */
  readonly follows: string;
  /** Unique for each invocation; undefined while nobody holds the lease. */
  readonly owner: string | undefined;
  /** Milliseconds since the epoch. Only says when others may try; the epoch is what fences. */
  readonly leaseUntil: number;
}

export interface Halt {
  readonly code: string;
  readonly reason: string;
  readonly nextStep: string;
  readonly position: Position | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Tries in a row that ended by an error that does not halt, without a commit between them. Only the newest is described. */
export interface FailedTries {
  readonly code: string;
  /** Cut to `LONGEST_FAILURE` characters. */
  readonly message: string;
  readonly nextStep: string;
  /** A position, or `(after, to]` of a batch, where the error names one. */
  readonly position: string | undefined;
  readonly count: number;
  /** Of the first and of the newest one, milliseconds since the epoch. */
  readonly since: number;
  readonly at: number;
}

/** Since the generation began. Conservation: messages = rows + filtered + deadLetters, else the partition halts. */
export interface Totals {
  readonly batches: number;
  readonly entries: number;
  readonly messages: number;
  readonly rows: number;
  readonly filtered: number;
  readonly deadLetters: number;
  readonly bytes: number;
}

export const NO_TOTALS: Totals = Object.freeze({
  batches: 0,
  entries: 0,
  messages: 0,
  rows: 0,
  filtered: 0,
  deadLetters: 0,
  bytes: 0,
});

/** The one item that says where a partition stands. */
export interface PartitionState extends Fenced {
  readonly pipeline: string;
  readonly partition: number;
  /** The partition's own topic name. */
  readonly topic: string;
  /** Globally unique; a reset begins a new one. */
  readonly generation: string;
  /** What `topicIdentity` said when the generation began. */
  readonly cluster: string | undefined;
  /** Where the generation began: batches of it lie above. */
  readonly origin: Position;
  readonly committed: Position;
  /** Publish time of the newest committed entry, milliseconds since the epoch; 0 before the first. */
  readonly committedPublishTime: number;
  /** Cursor position beyond ours that a halt was raised for: somebody has looked at it, so it is not raised again. */
  readonly forgotten: Position | undefined;
  /**
   * What the table looked like when a writer of this partition ended in order, or before its first intent: a later look
   * must not find it younger.
   */
  readonly lastTokens: TokenWindow | undefined;
  /** `seq` of the newest intent. */
  readonly seq: number;
  /** Intended and not yet committed, in order, contiguous from `committed`. */
  readonly inFlight: readonly Intent[];
  /** When a holder that follows its topic stops pulling and gives the lease back (ms since the epoch); else undefined. */
  readonly heldUntil: number | undefined;
  /** Newest checkpoint number whose flush request was met. */
  readonly flushed: number;
  readonly totals: Totals;
  readonly halted: Halt | undefined;
  /** Undefined once a try commits something or ends well. */
  readonly failedTries: FailedTries | undefined;
  /** What views of the table lack, or may lack, of what is stored; undefined: nothing. */
  readonly viewGaps: readonly ViewGap[] | undefined;
  /** A replace went through committed batches by a condition: the table may rightly have fewer rows than the totals say. */
  readonly rowsReplaced: true | undefined;
}

/** Where the dead letters of a committed batch are. Kept for ever: its record expires, its dead letters do not. */
export interface DeadLetterBatch
  extends Pick<Intent, 'seq' | 'generation' | 'after' | 'to' | 'publishedUpTo'> {
  readonly pipeline: string;
  readonly partition: number;
  readonly epoch: number;
  readonly deadLetters: DeadLetterReference;
}

/** A committed batch, kept for the audit until it expires. */
export interface BatchRecord extends Intent {
  readonly pipeline: string;
  readonly partition: number;
  readonly epoch: number;
  /** Milliseconds since the epoch. */
  readonly committedAt: number;
}
