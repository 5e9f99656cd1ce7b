import type { InitialPosition } from '../pipeline/pipeline.ts';
import type { Position } from '../pipeline/position.ts';

/** What one message carries besides its payload. Decoded only when asked for. */
export interface MessageMetadata {
  readonly key: string | undefined;
  readonly properties: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch; 0 when the producer set none. */
  readonly eventTime: number;
  readonly sequenceId: number;
  /** The producer's name; undefined where the transport does not know it. */
  readonly producer?: string | undefined;
}

/**
 * What Pulsar stores and ships whole: one producer batch, one single message, or one reassembled chunked message
 * (then `position` is that of its last chunk), with all that lies between its chunks.
 */
export interface Entry {
  readonly position: Position;
  /** First chunk's position for a chunked message, otherwise the same as `position`. */
  readonly firstPosition: Position;
  /** Milliseconds since the epoch, set by the producer. */
  readonly publishTime: number;
  /** Messages in the entry, retained or not: message indexes run from 0 to `count - 1`. */
  readonly count: number;
  /**
   * The decompressed payload section. Slices of it stay valid as long as the entry is held. Reading it may decompress it, once:
   * for its size there is `dataBytes`.
   */
  readonly data: Uint8Array;
  readonly dataBytes: number;
  /**
   * `2 * count` offsets into `data`: start and end of each message's payload. Start -1 marks a message without a
   * payload: end -1 for a null value (a tombstone), end -2 for one compacted away (it no longer exists and is not counted).
   */
  readonly bounds: Int32Array;
  /** Messages that exist: `count` less those compacted away. */
  readonly messages: number;
  /** Bytes as received, before decompression. */
  readonly wireBytes: number;
  /** Broker entry metadata's index of the last message, where the broker sends it. */
  readonly brokerIndex: number | undefined;
  readonly schemaVersion: Uint8Array | undefined;
  /**
   * Messages that can never be read as a whole, by index, and why: chunks of a message that was given up. Their bounds hold
   * what there is of their bytes.
   */
  readonly givenUp?: ReadonlyMap<number, string> | undefined;
  metadata(index: number): MessageMetadata;
}

export const NULL_VALUE = -1;
export const COMPACTED_AWAY = -2;

/** Whether the message exists and has no value: null, or empty, as clients that cannot send null write it. */
export function isWithoutValue({ bounds }: Pick<Entry, 'bounds'>, index: number): boolean {
  const start = bounds[2 * index] as number;
  const end = bounds[2 * index + 1] as number;
  return start < 0 ? end === NULL_VALUE : start === end;
}

/** Reads one partition forward from a position. Never moves anything in the broker; any number may read at once. */
export interface EntryReader {
  /** The next entry if one is already here. Synchronous, for the hot path. Throws what `next` throws. */
  poll(): Entry | undefined;
  /**
   * Waits for the next entry, at most `milliseconds`; `undefined` when none came. Reconnects by itself within that time
   * after unloads and lost connections, and goes on after the last entry it gave out.
   * @throws PulsehouseError terminal when going on could skip or spoil data (checksum, unknown codec, encryption,
   * topic gone, another topic under the same name); retryable when the broker stays out of reach.
   */
  next(milliseconds: number): Promise<Entry | undefined>;
  /** Why it gives nothing although entries have arrived, in words; undefined when there is no such reason. */
  readonly waitsFor?: string | undefined;
  /** Idempotent; resolves when the broker has let the consumer go or the connection is closed. */
  close(): Promise<void>;
}

export interface ReaderOptions {
  /** Only entries above this position are given out. */
  readonly after: Position;
  /** Upper bound of bytes buffered in this process before `poll` takes them; the socket is paused beyond it. */
  readonly maxBufferedBytes: number;
}

/** What the broker says of the durable subscription of one partition. */
export interface SubscriptionState {
  /**
   * Everything at or below it is forgotten by the broker for this subscription. Where nothing of a ledger is, brokers
   * say `ledger:-1`.
   */
  readonly markDelete: Position;
  /** Last entry of the partition; BEFORE_ALL when it is empty. */
  readonly last: Position;
}

/** Times and waits are bounded: every call ends by `deadline` (ms since the epoch) with a result or an error. */
export interface Transport {
  /**
   * Partition topics in order of their number. A non-partitioned topic is one partition whose name is the topic's own.
   * @throws PulsehouseError PH_PULSAR_TOPIC_NOT_FOUND; it never creates the topic.
   */
  partitions(topic: string, deadline: number): Promise<readonly string[]>;
  /** `partitionTopic` is one of those that `partitions` gave. */
  openReader(partitionTopic: string, options: ReaderOptions, deadline: number): Promise<EntryReader>;
  /** Last entry's position, BEFORE_ALL when the partition is empty. May point at an entry no reader is shown (a marker). */
  lastPosition(partitionTopic: string, deadline: number): Promise<Position>;
  /**
   * Whether all that the partition has above `after` is what no reader is shown: markers, aborted transactions. Undefined where
   * that cannot be known.
   */
  hasOnlyMarkers(partitionTopic: string, after: Position, deadline: number): Promise<boolean | undefined>;
  /**
   * Creates the durable subscription if it is missing, at `initial`; leaves an existing one untouched.
   * Answers what stands afterwards.
   */
  ensureSubscription(
    partitionTopic: string,
    subscription: string,
    initial: InitialPosition,
    deadline: number,
  ): Promise<SubscriptionState>;
  /**
   * What stands of the durable subscription; undefined where there is none, which asking does not change.
   * @throws PulsehouseError PH_PULSAR_CONSUMER_BUSY (retryable) while somebody else is connected to it, where that hides it.
   */
  subscriptionState(
    partitionTopic: string,
    subscription: string,
    deadline: number,
  ): Promise<SubscriptionState | undefined>;
  /**
   * Acknowledges cumulatively up to and including `position` and waits for the broker's receipt, after `check` has seen
   * the state found, and what it answers was awaited; what `check` throws ends the call before anything is acknowledged.
   * Answers the state found.
   * @throws PulsehouseError PH_PULSAR_CONSUMER_BUSY (retryable) while somebody else is connected to the subscription.
   */
  acknowledge(
    partitionTopic: string,
    subscription: string,
    position: Position,
    deadline: number,
    check: (found: SubscriptionState) => unknown,
  ): Promise<SubscriptionState>;
  /**
   * What tells this topic from another one of the same name (another cluster, or deleted and created again), as far as
   * this transport can know it; `undefined` when it cannot.
   */
  topicIdentity(topic: string, deadline: number): Promise<string | undefined>;
  /** Closes every connection. Idempotent. */
  close(): Promise<void>;
}
