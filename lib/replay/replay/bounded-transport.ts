import { positionOf } from '../../pipeline/error-position.ts';
import { PulsehouseError } from '../../pipeline/errors.ts';
import { isAfter, type Position } from '../../pipeline/position.ts';
import type { Environment } from '../../ports/environment.ts';
import type { Entry, EntryReader, Transport } from '../../ports/transport.ts';

/**
 * The topic as if it ended at `to`: a consumer of it is drained when it has come so far. It cannot acknowledge, so that
 * no replay ever moves the pipeline's subscription.
 */
export function boundedTransport(transport: Transport, to: Position, environment: Environment): Transport {
  /** Known once a reader has come to the end: the last entry at or below `to`, which may itself be a marker. */
  let end = to;
  return {
    partitions: (topic, deadline) => transport.partitions(topic, deadline),
    topicIdentity: (topic, deadline) => transport.topicIdentity(topic, deadline),
    async lastPosition(topic, deadline) {
      const last = await transport.lastPosition(topic, deadline);
      return isAfter(last, end) ? end : last;
    },
    hasOnlyMarkers: (topic, after, deadline) => transport.hasOnlyMarkers(topic, after, deadline),
    async openReader(topic, options, deadline) {
      const reader = await transport.openReader(topic, options, deadline);
      return new BoundedReader(reader, options.after, to, environment, (reached) => {
        end = reached;
      });
    },
    ensureSubscription: (topic) => Promise.reject(untouchable(topic)),
    subscriptionState: (topic, name, deadline) => transport.subscriptionState(topic, name, deadline),
    acknowledge: (topic) => Promise.reject(untouchable(topic)),
    close: () => transport.close(),
  };
}

export function untouchable(topic: string): PulsehouseError {
  return new PulsehouseError('PH_INVARIANT', "a replay never touches the pipeline's subscription", {
    where: { topic },
  });
}

const PAUSE_AT_END = 20;

class BoundedReader implements EntryReader {
  private readonly reader: EntryReader;
  private readonly to: Position;
  private readonly environment: Environment;
  private readonly onEnd: (reached: Position) => void;
  private reached: Position;
  private ended = false;

  constructor(
    reader: EntryReader,
    after: Position,
    to: Position,
    environment: Environment,
    onEnd: (reached: Position) => void,
  ) {
    this.reader = reader;
    this.reached = after;
    this.to = to;
    this.environment = environment;
    this.onEnd = onEnd;
  }

  poll(): Entry | undefined {
    if (this.ended) return undefined;
    try {
      return this.within(this.reader.poll());
    } catch (error) {
      return this.failed(error);
    }
  }

  async next(milliseconds: number): Promise<Entry | undefined> {
    try {
      if (!this.ended) return this.within(await this.reader.next(milliseconds));
    } catch (error) {
      return this.failed(error);
    }
    await this.environment.sleep(Math.min(milliseconds, PAUSE_AT_END));
    return undefined;
  }

  close(): Promise<void> {
    return this.reader.close();
  }

  get waitsFor(): string | undefined {
    return this.reader.waitsFor;
  }

  private within(entry: Entry | undefined): Entry | undefined {
    if (!entry) return undefined;
    if (isAfter(entry.position, this.to)) this.end();
    else this.reached = entry.position;
    if (this.ended) return undefined;
    // What lies above is none of this reader's business, were it unreadable.
    if (!isAfter(this.to, this.reached)) this.end();
    return entry;
  }

  /** What lies above and cannot be read ends the range like any other entry. */
  private failed(error: unknown): undefined {
    const position = positionOf(error);
    if (!position || !isAfter(position, this.to)) throw error;
    this.end();
    return undefined;
  }

  private end(): void {
    this.ended = true;
    this.onEnd(this.reached);
  }
}
