import type { PulsehouseError } from '../../../pipeline/errors.ts';
import type { Position } from '../../../pipeline/position.ts';
import {
  type CloseConsumer,
  decodeLastMessageId,
  encodeCloseConsumer,
  encodeFlow,
  encodeGetLastMessageId,
  encodeSubscribe,
  type LastMessageId,
} from '../commands/consumer.ts';
import type { Connection, ConsumerChannel } from '../net/connection.ts';
import type { WireOptions } from '../options.ts';

/** What the broker's statistics show of us. */
export const CONSUMER_NAME = 'pulsehouse';
const READER_PREFIX = 'pulsehouse-reader';

export interface SessionOptions {
  readonly topic: string;
  readonly subscription: string;
  readonly consumerName: string;
  readonly durable: boolean;
  readonly start?: Position | undefined;
  readonly initial: 'earliest' | 'latest';
}

/**
 * A subscription that is not durable, under a name that nobody else has: under a durable one's name it would share its
 * cursor. `start` itself is delivered again.
 */
export function readerSession(
  { readerPrefix = READER_PREFIX, environment }: Pick<WireOptions, 'readerPrefix' | 'environment'>,
  topic: string,
  start: Position,
): SessionOptions {
  return {
    topic,
    subscription: `${readerPrefix}-${environment.uniqueId()}`,
    consumerName: CONSUMER_NAME,
    durable: false,
    start,
    initial: 'earliest',
  };
}

/** What arrives for a session. Without a listener the session grants no permits and nothing arrives. */
export interface SessionListener {
  onMessage(frame: Uint8Array, commandEnd: number, ledger: number, entry: number): void;
  /** Once, when the broker or the connection let the consumer go. */
  onGone(error: PulsehouseError, moved?: CloseConsumer): void;
}

/** One consumer of one subscription on one connection, from SUBSCRIBE to CLOSE_CONSUMER. */
export class Session implements ConsumerChannel {
  readonly connection: Connection;
  readonly topic: string;
  readonly #consumerId: number;
  readonly #listener: SessionListener | undefined;
  #gone: PulsehouseError | undefined;

  private constructor(
    connection: Connection,
    topic: string,
    consumerId: number,
    listener: SessionListener | undefined,
  ) {
    this.connection = connection;
    this.topic = topic;
    this.#consumerId = consumerId;
    this.#listener = listener;
  }

  /**
   * Subscribes. One that was sent and not answered is closed again, so that no ghost of ours blocks the next attempt.
   * @throws PulsehouseError as the broker refuses
   */
  static async open(
    connection: Connection,
    options: SessionOptions,
    deadline: number,
    listener?: SessionListener,
  ): Promise<Session> {
    const consumerId = connection.newId();
    const session = new Session(connection, options.topic, consumerId, listener);
    connection.addConsumer(consumerId, session);
    try {
      await connection.request(
        'SUBSCRIBE',
        (requestId) => encodeSubscribe({ ...options, consumerId }, requestId),
        deadline,
      );
      return session;
    } catch (error) {
      connection.removeConsumer(consumerId);
      connection.send(encodeCloseConsumer(consumerId, connection.newId()));
      throw error;
    }
  }

  get gone(): PulsehouseError | undefined {
    return this.#gone ?? this.connection.lost;
  }

  onMessage(frame: Uint8Array, commandEnd: number, ledger: number, entry: number): void {
    this.#listener?.onMessage(frame, commandEnd, ledger, entry);
  }

  onGone(error: PulsehouseError, moved?: CloseConsumer): void {
    if (this.#gone !== undefined) return;
    this.#gone = error;
    this.connection.removeConsumer(this.#consumerId);
    this.#listener?.onGone(error, moved);
  }

  grant(permits: number): void {
    if (permits > 0) this.connection.send(encodeFlow(this.#consumerId, permits));
  }

  async request(
    type: string,
    encode: (consumerId: number, requestId: number) => Uint8Array,
    deadline: number,
  ): Promise<Uint8Array> {
    const answer = await this.connection.request(
      type,
      (requestId) => encode(this.#consumerId, requestId),
      deadline,
    );
    return answer.body;
  }

  async lastMessageId(deadline: number): Promise<LastMessageId> {
    return decodeLastMessageId(await this.request('GET_LAST_MESSAGE_ID', encodeGetLastMessageId, deadline));
  }

  /** Resolves when the broker has let the consumer go; a lost connection has done so too. */
  async close(deadline: number): Promise<void> {
    if (this.gone !== undefined) return;
    try {
      await this.request('CLOSE_CONSUMER', encodeCloseConsumer, deadline);
    } finally {
      this.connection.removeConsumer(this.#consumerId);
    }
  }
}
