import { createHash } from 'node:crypto';
import type { BatchLimits } from '../pipeline/pipeline.ts';
import { formatPosition, type Position } from '../pipeline/position.ts';
import type { BatchBody, LeaveOut } from '../ports/sink.ts';
import type { Entry } from '../ports/transport.ts';

/** The most that a message's position adds to its own bytes in a body. */
const POSITION_BYTES = 128;

/** The digest is taken of so much text at a time, not of an entry at a time. */
const HASHED_AT_ONCE = 16 * 1024;

/** Whole entries of one partition, contiguous from `after`, on their way into one insert. */
export class PulledBatch {
  readonly after: Position;
  readonly body: BatchBody;
  /** When the first entry was pulled (ms since the epoch). */
  readonly startedAt: number;
  private last: Position;
  private entryCount = 0;
  private messageCount = 0;
  private byteCount = 0;
  private newest = 0;
  private readonly hash = createHash('sha256');
  private unhashed = '';

  constructor(after: Position, body: BatchBody, startedAt: number) {
    this.after = after;
    this.last = after;
    this.body = body;
    this.startedAt = startedAt;
  }

  get to(): Position {
    return this.last;
  }

  get entries(): number {
    return this.entryCount;
  }

  get messages(): number {
    return this.messageCount;
  }

  get bytes(): number {
    return this.byteCount;
  }

  /** Milliseconds since the epoch. */
  get publishedUpTo(): number {
    return this.newest;
  }

  add(entry: Entry, leaveOut?: LeaveOut): void {
    this.body.add(entry, leaveOut);
    this.last = entry.position;
    this.entryCount += 1;
    this.messageCount += entry.messages;
    this.byteCount += entry.dataBytes;
    this.newest = Math.max(this.newest, entry.publishTime);
    this.unhashed += `${formatPosition(entry.position)}x${entry.messages};`;
    if (this.unhashed.length >= HASHED_AT_ONCE) this.hashAll();
  }

  /**
   * Whether the batch keeps its limits with this entry too: more than that might not be one block, and so not be stored whole
   * or not at all. An entry larger than the limits is a batch by itself.
   */
  hasRoomFor(entry: Entry, { maxRows, maxBytes }: BatchLimits): boolean {
    if (this.entryCount === 0) return true;
    const bytes = this.heldBytes + entry.dataBytes + entry.messages * POSITION_BYTES;
    return this.messageCount + entry.messages <= maxRows && bytes <= maxBytes;
  }

  /** By all messages: those that cannot become rows are held as well, until they are dead letters. */
  isFull({ maxRows, maxBytes, maxEntries = Number.POSITIVE_INFINITY }: BatchLimits): boolean {
    if (this.entryCount >= maxEntries) return true;
    return this.messageCount >= maxRows || this.heldBytes >= maxBytes;
  }

  private get heldBytes(): number {
    return Math.max(this.byteCount, this.body.encodedBytes + this.body.badBytes);
  }

  /** Hash over positions and message counts: transport and compression leave it alone. Ends the batch. */
  digest(): string {
    this.hashAll();
    return this.hash.copy().digest('hex').slice(0, 32);
  }

  private hashAll(): void {
    this.hash.update(this.unhashed);
    this.unhashed = '';
  }
}
