import type { Position } from '../../../pipeline/position.ts';
import { int64, MessageWriter, readFields, readMessageId } from '../protobuf/fields.ts';
import { COMMAND, encodeCommand } from './command.ts';
import type { TopicSchema } from './schema.ts';
import { writeSchema } from './schema.ts';

export interface ProducerCommand {
  readonly topic: string;
  readonly producerId: number;
  readonly schema: TopicSchema | undefined;
}

/** `CommandProducer { topic = 1; producer_id = 2; request_id = 3; schema = 7 }` */
export function encodeProducer(command: ProducerCommand, requestId: number): Uint8Array {
  return encodeCommand(
    COMMAND.producer,
    new MessageWriter()
      .string(1, command.topic)
      .uint(2, command.producerId)
      .uint(3, requestId)
      .message(7, command.schema && writeSchema(command.schema)),
  );
}

export interface ProducerSuccess {
  readonly producerName: string;
  readonly schemaVersion: Uint8Array | undefined;
}

/** `CommandProducerSuccess { producer_name = 2; schema_version = 4 }`; an empty version is that of no schema. */
export function decodeProducerSuccess(body: Uint8Array): ProducerSuccess {
  let producerName = '';
  let schemaVersion: Uint8Array | undefined;
  readFields(body, {
    2: (reader) => {
      producerName = reader.string();
    },
    4: (reader) => {
      const version = reader.bytes();
      schemaVersion = version.length === 0 ? undefined : version;
    },
  });
  return { producerName, schemaVersion };
}

export interface SendCommand {
  readonly producerId: number;
  readonly sequenceId: number;
  readonly messages: number;
  readonly isChunk: boolean;
}

/** `CommandSend { producer_id = 1; sequence_id = 2; num_messages = 3; is_chunk = 7 }` */
export function encodeSend(command: SendCommand): Uint8Array {
  return encodeCommand(
    COMMAND.send,
    new MessageWriter()
      .uint(1, command.producerId)
      .uint(2, command.sequenceId)
      .uint(3, command.messages)
      .bool(7, command.isChunk ? true : undefined),
  );
}

export interface SendAnswer {
  readonly producerId: number;
  readonly sequenceId: number;
  readonly position: Position | undefined;
  readonly error: number | undefined;
  readonly message: string;
}

/**
 * `CommandSendReceipt { producer_id = 1; sequence_id = 2; message_id = 3 }` and
 * `CommandSendError { producer_id = 1; sequence_id = 2; error = 3; message = 4 }`
 */
export function decodeSendAnswer(type: number, body: Uint8Array): SendAnswer {
  const isReceipt = type === COMMAND.sendReceipt;
  let producerId = -1;
  let sequenceId = -1;
  let position: Position | undefined;
  let error: number | undefined;
  let message = '';
  readFields(body, {
    1: (reader) => {
      producerId = int64(reader);
    },
    2: (reader) => {
      sequenceId = int64(reader);
    },
    3: (reader) => {
      if (isReceipt) position = readMessageId(reader.bytes());
      else error = reader.int32();
    },
    ...(!isReceipt && {
      4: (reader) => {
        message = reader.string();
      },
    }),
  });
  return { producerId, sequenceId, position, error, message };
}

/** `CommandCloseProducer { producer_id = 1; request_id = 2 }` */
export function encodeCloseProducer(producerId: number, requestId: number): Uint8Array {
  return encodeCommand(COMMAND.closeProducer, new MessageWriter().uint(1, producerId).uint(2, requestId));
}

export function decodeCloseProducer(body: Uint8Array): number {
  let producerId = -1;
  readFields(body, {
    1: (reader) => {
      producerId = int64(reader);
    },
  });
  return producerId;
}
