import type { Position } from '../../../pipeline/position.ts';
import { int64, MessageWriter, readFields, readMessageId, writeMessageId } from '../protobuf/fields.ts';
import { COMMAND, encodeCommand } from './command.ts';

/** `SubType`: this project uses no other, for reading or for acknowledging. */
const EXCLUSIVE = 0;
const INITIAL_LATEST = 0;
const INITIAL_EARLIEST = 1;

export interface SubscribeCommand {
  readonly topic: string;
  readonly subscription: string;
  readonly consumerId: number;
  readonly consumerName: string;
  readonly durable: boolean;
  /** For a subscription that is not durable. The entry named is delivered again: the start is inclusive. */
  readonly start?: Position | undefined;
  /** For a subscription that does not exist yet. */
  readonly initial: 'earliest' | 'latest';
}

/**
 * `CommandSubscribe { topic = 1; subscription = 2; subType = 3; consumer_id = 4; request_id = 5; consumer_name = 6;
 * durable = 8; start_message_id = 9; read_compacted = 11; initialPosition = 13; force_topic_creation = 15 }`
 * The broker's defaults for the last two would skip the backlog and create the topic.
 */
export function encodeSubscribe(command: SubscribeCommand, requestId: number): Uint8Array {
  return encodeCommand(
    COMMAND.subscribe,
    new MessageWriter()
      .string(1, command.topic)
      .string(2, command.subscription)
      .uint(3, EXCLUSIVE)
      .uint(4, command.consumerId)
      .uint(5, requestId)
      .string(6, command.consumerName)
      .bool(8, command.durable)
      .message(9, command.start && writeMessageId(command.start))
      .bool(11, false)
      .uint(13, command.initial === 'earliest' ? INITIAL_EARLIEST : INITIAL_LATEST)
      .bool(15, false),
  );
}

/** `CommandFlow { consumer_id = 1; messagePermits = 2 }`; zero permits are an error to the broker. */
export function encodeFlow(consumerId: number, permits: number): Uint8Array {
  return encodeCommand(COMMAND.flow, new MessageWriter().uint(1, consumerId).uint(2, permits));
}

/** `CommandAck { consumer_id = 1; ack_type = 2 (1 cumulative); message_id = 3; request_id = 8 }`, answered by AckResponse. */
export function encodeCumulativeAck(consumerId: number, position: Position, requestId: number): Uint8Array {
  return encodeCommand(
    COMMAND.ack,
    new MessageWriter()
      .uint(1, consumerId)
      .uint(2, 1)
      .message(3, writeMessageId(position))
      .uint(8, requestId),
  );
}

/** `CommandSeek { consumer_id = 1; request_id = 2; message_publish_time = 4 }`, milliseconds since the epoch. */
export function encodeSeekToTime(consumerId: number, publishTime: number, requestId: number): Uint8Array {
  return encodeCommand(
    COMMAND.seek,
    new MessageWriter().uint(1, consumerId).uint(2, requestId).uint(4, publishTime),
  );
}

/** `CommandGetLastMessageId { consumer_id = 1; request_id = 2 }` */
export function encodeGetLastMessageId(consumerId: number, requestId: number): Uint8Array {
  return encodeCommand(COMMAND.getLastMessageId, new MessageWriter().uint(1, consumerId).uint(2, requestId));
}

export interface LastMessageId {
  readonly last: Position;
  /** Undefined from a broker too old to say. */
  readonly markDelete: Position | undefined;
}

/** `CommandGetLastMessageIdResponse { last_message_id = 1; consumer_mark_delete_position = 3 }` */
export function decodeLastMessageId(body: Uint8Array): LastMessageId {
  let last: Position = { ledger: -1, entry: -1 };
  let markDelete: Position | undefined;
  readFields(body, {
    1: (reader) => {
      last = readMessageId(reader.bytes());
    },
    3: (reader) => {
      markDelete = readMessageId(reader.bytes());
    },
  });
  return { last, markDelete };
}

/** `CommandCloseConsumer { consumer_id = 1; request_id = 2 }` */
export function encodeCloseConsumer(consumerId: number, requestId: number): Uint8Array {
  return encodeCommand(COMMAND.closeConsumer, new MessageWriter().uint(1, consumerId).uint(2, requestId));
}

export interface CloseConsumer {
  readonly consumerId: number;
  /** Where the topic moved, when the broker that lets it go knows. */
  readonly assignedUrl: string | undefined;
  readonly assignedUrlTls: string | undefined;
}

/** `CommandCloseConsumer { consumer_id = 1; assignedBrokerServiceUrl = 3; assignedBrokerServiceUrlTls = 4 }` */
export function decodeCloseConsumer(body: Uint8Array): CloseConsumer {
  let consumerId = -1;
  let assignedUrl: string | undefined;
  let assignedUrlTls: string | undefined;
  readFields(body, {
    1: (reader) => {
      consumerId = int64(reader);
    },
    3: (reader) => {
      assignedUrl = reader.string();
    },
    4: (reader) => {
      assignedUrlTls = reader.string();
    },
  });
  return { consumerId, assignedUrl, assignedUrlTls };
}

/** `CommandReachedEndOfTopic { consumer_id = 1 }` */
export function decodeReachedEndOfTopic(body: Uint8Array): number {
  return decodeCloseConsumer(body).consumerId;
}

/** `CommandTopicMigrated { resource_id = 1; resource_type = 2 (1 consumer); brokerServiceUrl = 3; brokerServiceUrlTls = 4 }` */
export interface TopicMigrated {
  readonly resourceId: number;
  readonly isConsumer: boolean;
  readonly url: string;
}

export function decodeTopicMigrated(body: Uint8Array): TopicMigrated {
  let resourceId = -1;
  let isConsumer = false;
  let url = '';
  readFields(body, {
    1: (reader) => {
      resourceId = int64(reader);
    },
    2: (reader) => {
      isConsumer = reader.int32() === 1;
    },
    3: (reader) => {
      url = reader.string();
    },
    4: (reader) => {
      url ||= reader.string();
    },
  });
  return { resourceId, isConsumer, url };
}
