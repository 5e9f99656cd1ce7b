import { formatPosition, isAfter, type Position } from '../pipeline/position.ts';
import type { Entry, EntryReader } from '../ports/transport.ts';
import { ask, type ConsumeContext } from './context.ts';

/** After this long without an entry it is asked whether only markers are left, which no reader is shown. */
const QUIET = 2_000;
/** An entry that does not come for so long although the broker names a later one: the invocation ends. */
const STALLED = 30_000;

/** The entries of one invocation, and what their end means. */
export class EntrySource {
  private readonly context: ConsumeContext;
  private readonly reader: EntryReader;
  /** What the batch before had no room for. */
  private heldBack: Entry | undefined;
  private lastEntryAt: number;
  private askedForMarkersAt: number;
  /** The partition's last position as last asked for. */
  private last: Position | undefined;
  private broken: { readonly error: unknown } | undefined;

  constructor(context: ConsumeContext, reader: EntryReader, last: Position | undefined) {
    this.context = context;
    this.reader = reader;
    this.last = last;
    this.lastEntryAt = context.environment.now();
    this.askedForMarkersAt = this.lastEntryAt;
  }

  /** Whether the reader failed: nothing more comes, and what came before stays good. */
  get isBroken(): boolean {
    return this.broken !== undefined;
  }

  /** The next entry if one is here. Synchronous, for the hot path. */
  poll(): Entry | undefined {
    const { heldBack } = this;
    if (heldBack) {
      this.heldBack = undefined;
      return heldBack;
    }
    if (this.broken) return undefined;
    try {
      return this.seen(this.reader.poll());
    } catch (error) {
      this.broken = { error };
      return undefined;
    }
  }

  /** Waits for the next entry, at most so many milliseconds. */
  async next(milliseconds: number): Promise<Entry | undefined> {
    try {
      return this.seen(await this.reader.next(milliseconds));
    } catch (error) {
      this.broken = { error };
      return undefined;
    }
  }

  /** Given once more by `poll`. */
  holdBack(entry: Entry): void {
    this.heldBack = entry;
  }

  /** @throws what the reader threw. */
  throwFailure(): void {
    if (this.broken) throw this.broken.error;
  }

  /**
   * Whether there is nothing more after `pulled`, the newest entry taken. Drained: the broker's last position was reached, or
   * all above it is known to be markers. Stalled: there is more, and it does not come.
   */
  async end(pulled: Position): Promise<'drained' | 'stalled' | undefined> {
    const { environment, transport, lease } = this.context;
    const { topic } = lease.state;
    if (!this.last || !isAfter(this.last, pulled)) {
      this.last = await ask(this.context, (deadline) => transport.lastPosition(topic, deadline));
    }
    if (!isAfter(this.last, pulled)) return 'drained';
    const now = environment.now();
    const isStalled = now - this.lastEntryAt >= STALLED;
    if (isStalled || now - Math.max(this.lastEntryAt, this.askedForMarkersAt) >= QUIET) {
      const onlyMarkers = await ask(this.context, (deadline) =>
        transport.hasOnlyMarkers(topic, pulled, deadline),
      );
      this.askedForMarkersAt = environment.now();
      if (onlyMarkers === true) return 'drained';
    }
    if (!isStalled) return undefined;
    this.warn(this.last, pulled, now - this.lastEntryAt);
    return 'stalled';
  }

  private seen(entry: Entry | undefined): Entry | undefined {
    if (entry) this.lastEntryAt = this.context.environment.now();
    return entry;
  }

  private warn(last: Position, pulled: Position, quiet: number): void {
    const { log, partition } = this.context;
    const [end, after] = [formatPosition(last), formatPosition(pulled)];
    const why = this.reader.waitsFor ?? 'look for slow or lost bookies';
    log.warn(
      `Partition ${partition} is not drained: Pulsar names ${end} as its last entry and gave none above ${after}`,
      {
        ...{ partition, last: end, pulled: after, seconds: Math.round(quiet / 1_000), why },
      },
    );
  }
}
