import { createHash } from 'node:crypto';
import type { BatchLimits } from '../pipeline/pipeline.ts';
import { formatPosition, type Position } from '../pipeline/position.ts';
import type { BatchBody, LeaveOut } from '../ports/sink.ts';
import type { Entry } from '../ports/transport.ts';

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
    this.byteCount += entry.data.byteLength;
    this.newest = Math.max(this.newest, entry.publishTime);
    this.hash.update(`${formatPosition(entry.position)}x${entry.messages};`);
  }

  /** Checked after each entry, so a batch exceeds a limit by less than one entry. */
  isFull(limits: BatchLimits): boolean {
    return this.body.rows >= limits.maxRows || this.body.encodedBytes >= limits.maxBytes;
  }

  /** Hash over positions and message counts: transport and compression leave it alone. Ends the batch. */
  digest(): string {
    return this.hash.copy().digest('hex').slice(0, 32);
  }
}
