import { int64, readFields } from '../protobuf/fields.ts';
import { COMMAND } from './command.ts';

/** What the answers to requests have in common. */
export interface ResponseHead {
  readonly requestId: number;
  /** The server's error code, undefined when the request succeeded. */
  readonly error: number | undefined;
  readonly message: string;
}

interface HeadFields {
  readonly requestId: number;
  readonly error?: number;
  readonly message?: number;
}

/** Where each kind of answer keeps its request id and its error. Kinds not listed answer no request. */
const HEADS: Readonly<Record<number, HeadFields>> = {
  [COMMAND.success]: { requestId: 1 },
  [COMMAND.error]: { requestId: 1, error: 2, message: 3 },
  [COMMAND.producerSuccess]: { requestId: 1 },
  [COMMAND.partitionMetadataResponse]: { requestId: 2, error: 4, message: 5 },
  [COMMAND.lookupResponse]: { requestId: 4, error: 6, message: 7 },
  [COMMAND.getLastMessageIdResponse]: { requestId: 2 },
  [COMMAND.getSchemaResponse]: { requestId: 1, error: 2, message: 3 },
  [COMMAND.getOrCreateSchemaResponse]: { requestId: 1, error: 2, message: 3 },
  [COMMAND.ackResponse]: { requestId: 6, error: 4, message: 5 },
};

export function decodeResponseHead(type: number, body: Uint8Array): ResponseHead | undefined {
  const fields = HEADS[type];
  if (fields === undefined) return undefined;
  let requestId = -1;
  let error: number | undefined;
  let message = '';
  readFields(body, {
    [fields.requestId]: (reader) => {
      requestId = int64(reader);
    },
    ...(fields.error && {
      [fields.error]: (reader) => {
        error = reader.int32();
      },
    }),
    ...(fields.message && {
      [fields.message]: (reader) => {
        message = reader.string();
      },
    }),
  });
  return { requestId, error, message };
}
