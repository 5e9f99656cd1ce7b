import { MessageWriter, readFields } from '../protobuf/fields.ts';

/** `BaseCommand.Type`. Each kind's body is the BaseCommand field of the same number. */
export const COMMAND = {
  connect: 2,
  connected: 3,
  subscribe: 4,
  producer: 5,
  send: 6,
  sendReceipt: 7,
  sendError: 8,
  message: 9,
  ack: 10,
  flow: 11,
  success: 13,
  error: 14,
  closeProducer: 15,
  closeConsumer: 16,
  producerSuccess: 17,
  ping: 18,
  pong: 19,
  partitionMetadata: 21,
  partitionMetadataResponse: 22,
  lookup: 23,
  lookupResponse: 24,
  reachedEndOfTopic: 27,
  seek: 28,
  getLastMessageId: 29,
  getLastMessageIdResponse: 30,
  getSchema: 34,
  getSchemaResponse: 35,
  authChallenge: 36,
  authResponse: 37,
  ackResponse: 38,
  getOrCreateSchema: 39,
  getOrCreateSchemaResponse: 40,
  topicMigrated: 68,
} as const;

export interface Command {
  /** One of `COMMAND`, or a number of a newer protocol, which is to be ignored. */
  readonly type: number;
  readonly body: Uint8Array;
}

/** `BaseCommand { type = 1; <body> = <type> }` */
export function encodeCommand(type: number, body: MessageWriter): Uint8Array {
  return new MessageWriter().uint(1, type).message(type, body).finish();
}

const EMPTY = new Uint8Array(0);

export function decodeCommand(bytes: Uint8Array): Command {
  let type = 0;
  readFields(bytes, {
    1: (reader) => {
      type = reader.uint32();
    },
  });
  let body: Uint8Array = EMPTY;
  readFields(bytes, {
    [type]: (reader) => {
      body = type === 1 ? EMPTY : reader.bytes();
    },
  });
  return { type, body };
}
