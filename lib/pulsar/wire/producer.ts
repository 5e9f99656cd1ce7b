import type { PulsehouseError } from '../../pipeline/errors.ts';
import type { Position } from '../../pipeline/position.ts';
import { retry } from '../../ports/retry.ts';
import {
  decodeProducerSuccess,
  encodeCloseProducer,
  encodeProducer,
  encodeSend,
  type ProducerSuccess,
  type SendAnswer,
} from './commands/producer.ts';
import type { TopicSchema } from './commands/schema.ts';
import { COMPRESSIONS, type Compression, compress } from './compression/codec.ts';
import { serverError } from './errors.ts';
import { messageFrame } from './frame/frame-writer.ts';
import type { Connection, ProducerChannel } from './net/connection.ts';
import { connectToOwner } from './net/lookup.ts';
import { ConnectionPool } from './net/pool.ts';
import { OPERATION_TIMEOUT, type WireOptions } from './options.ts';
import { isPassing } from './passing.ts';
import {
  encodeBatch,
  encodeBatchMetadata,
  encodeSingleMetadata,
  type OutgoingMessage,
} from './producer-batch.ts';

export interface ProducerOptions {
  /** @default none */
  readonly compression?: Compression | undefined;
  /** Published with every message, and registered with the topic. */
  readonly schema?: TopicSchema | undefined;
  /** A single message whose compressed payload is longer is published in chunks of this size. @default never */
  readonly chunkSize?: number | undefined;
}

/** Publishes to one partition. Each call is one entry, and resolves with its position once the broker has stored it. */
export interface Producer {
  /** All the messages as one batch. */
  sendBatch(messages: readonly OutgoingMessage[]): Promise<Position>;
  /** One message that is no batch; resolves with the position of its last chunk where it is chunked. */
  send(message: OutgoingMessage): Promise<Position>;
  close(): Promise<void>;
}

/**
 * A plain producer for demonstrations, tests and measurements: no routing, no batching by time, no resending. What is
 * unconfirmed when the connection is lost is rejected, and may be stored or not.
 */
export async function openProducer(
  wire: WireOptions,
  partitionTopic: string,
  options: ProducerOptions = {},
): Promise<Producer> {
  const { environment } = wire;
  const deadline = environment.now() + (wire.operationTimeout ?? OPERATION_TIMEOUT);
  const pool = new ConnectionPool(wire);
  try {
    const [connection, id, success] = await retry(environment, { deadline, retryIf: isPassing }, async () => {
      const owner = await connectToOwner(pool, partitionTopic, wire.listenerName, deadline);
      return register(owner, partitionTopic, options.schema, deadline);
    });
    return new WireProducer(wire, pool, connection, id, success, options);
  } catch (error) {
    await pool.close();
    throw error;
  }
}

async function register(
  connection: Connection,
  topic: string,
  schema: TopicSchema | undefined,
  deadline: number,
): Promise<[Connection, number, ProducerSuccess]> {
  const producerId = connection.newId();
  const answer = await connection.request(
    'PRODUCER',
    (requestId) => encodeProducer({ topic, producerId, schema }, requestId),
    deadline,
  );
  return [connection, producerId, decodeProducerSuccess(answer.body)];
}

interface Unconfirmed {
  resolve(position: Position): void;
  reject(error: PulsehouseError): void;
}

class WireProducer implements Producer, ProducerChannel {
  readonly #wire: WireOptions;
  readonly #pool: ConnectionPool;
  readonly #connection: Connection;
  readonly #producerId: number;
  readonly #success: ProducerSuccess;
  readonly #compression: Compression;
  readonly #chunkSize: number;
  /** In the order of sending, which is the order of the broker's answers. */
  readonly #unconfirmed: Unconfirmed[] = [];
  #sequenceId = 0;

  constructor(
    wire: WireOptions,
    pool: ConnectionPool,
    connection: Connection,
    producerId: number,
    success: ProducerSuccess,
    options: ProducerOptions,
  ) {
    this.#wire = wire;
    this.#pool = pool;
    this.#connection = connection;
    this.#producerId = producerId;
    this.#success = success;
    this.#compression = options.compression ?? 'none';
    this.#chunkSize = options.chunkSize ?? Number.POSITIVE_INFINITY;
    connection.addProducer(producerId, this);
  }

  async sendBatch(messages: readonly OutgoingMessage[]): Promise<Position> {
    const sequenceId = this.#sequenceId;
    this.#sequenceId += messages.length;
    const batch = encodeBatch(messages, sequenceId);
    const payload = compress(this.#compression, batch);
    const metadata = encodeBatchMetadata(this.#head(sequenceId, batch.length), messages.length);
    return this.#publish(metadata, payload, sequenceId, messages.length, false);
  }

  async send(message: OutgoingMessage): Promise<Position> {
    const sequenceId = this.#sequenceId++;
    const plain = message.payload ?? new Uint8Array(0);
    const payload = compress(this.#compression, plain);
    const head = this.#head(sequenceId, plain.length);
    const chunks = Math.ceil(payload.length / this.#chunkSize);
    if (chunks <= 1) {
      return this.#publish(encodeSingleMetadata(head, message, undefined), payload, sequenceId, 1, false);
    }
    const uuid = `${this.#success.producerName}-${sequenceId}`;
    const stored: Promise<Position>[] = [];
    for (let chunkId = 0; chunkId < chunks; chunkId++) {
      const place = { uuid, chunks, totalSize: payload.length, chunkId };
      const piece = payload.subarray(chunkId * this.#chunkSize, (chunkId + 1) * this.#chunkSize);
      stored.push(this.#publish(encodeSingleMetadata(head, message, place), piece, sequenceId, 1, true));
    }
    const positions = await Promise.all(stored);
    return positions[chunks - 1] as Position;
  }

  onAnswer(answer: SendAnswer): void {
    const next = this.#unconfirmed.shift();
    if (answer.position !== undefined) next?.resolve(answer.position);
    else next?.reject(serverError(answer.error ?? 0, answer.message, { server: this.#connection.server }));
  }

  onGone(error: PulsehouseError): void {
    for (const entry of this.#unconfirmed.splice(0)) entry.reject(error);
  }

  async close(): Promise<void> {
    const { environment, operationTimeout = OPERATION_TIMEOUT } = this.#wire;
    try {
      if (this.#connection.lost === undefined) {
        await this.#connection.request(
          'CLOSE_PRODUCER',
          (requestId) => encodeCloseProducer(this.#producerId, requestId),
          environment.now() + operationTimeout,
        );
      }
    } finally {
      this.#connection.removeProducer(this.#producerId);
      await this.#pool.close();
    }
  }

  #head(sequenceId: number, uncompressedSize: number) {
    const compression = COMPRESSIONS.indexOf(this.#compression);
    return {
      producerName: this.#success.producerName,
      sequenceId,
      publishTime: this.#wire.environment.now(),
      compression,
      uncompressedSize: compression === 0 ? undefined : uncompressedSize,
      schemaVersion: this.#success.schemaVersion,
    };
  }

  #publish(
    metadata: Uint8Array,
    payload: Uint8Array,
    sequenceId: number,
    messages: number,
    isChunk: boolean,
  ): Promise<Position> {
    if (this.#connection.lost !== undefined) return Promise.reject(this.#connection.lost);
    const command = encodeSend({ producerId: this.#producerId, sequenceId, messages, isChunk });
    return new Promise((resolve, reject) => {
      this.#unconfirmed.push({ resolve, reject });
      this.#connection.sendFrame(messageFrame(command, metadata, payload));
    });
  }
}
